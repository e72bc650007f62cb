"""The documents: complete, true, and good enough to act on at night; every command in them exists."""
