"""Configuration: a wrong setting is refused before anything starts, by name."""
