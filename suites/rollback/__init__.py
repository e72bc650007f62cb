"""Rollback: the way back is short, complete, and loses nothing."""
