"""How many samples a percentile needs before it means anything."""

from __future__ import annotations

# Of a thousand samples, ten are slower than the p99.
_NEEDED = ((95.0, 20), (99.0, 1_000), (100.0, 10_000))


def needed(percent: float) -> int:
    """Samples without which a percentile is a guess."""
    return next(count for most, count in _NEEDED if percent <= most)
