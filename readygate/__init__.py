"""The command's own package: the only top-level name that is installed."""
