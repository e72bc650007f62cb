"""Access: who may do what, asked of the running API and of the running database."""
