"""Security: what the running system exposes, judged on its processes and not on its files."""
