"""How much a run looks at, and for how long."""

from __future__ import annotations

# quick is a part: something of each area, for whoever waits for an answer. standard is everything, each thing once and
# briefly: the shortest way to a GO. release repeats and looks longer; soak takes hours.
PROFILES = ("quick", "standard", "release", "soak")
DEFAULT = "standard"


def pace(profile: str | None) -> str:
    """The key under which readiness.toml keeps what holds in runs of `profile`: a quick run and a standard one differ in what
    they look at, not in how long, so that what the one found the other finds."""
    return "quick" if profile in {"quick", "standard"} else profile or ""
