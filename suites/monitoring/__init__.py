"""Monitoring: what goes wrong is seen, told to somebody, and shown as it is."""
