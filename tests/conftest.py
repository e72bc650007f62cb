"""For all tests: machines are shared, so how long one generated example took says nothing about what it tried."""

from hypothesis import settings

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
