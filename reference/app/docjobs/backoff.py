"""How long a failed attempt waits for the next."""

from __future__ import annotations

import random

_JITTER = 0.2


def delay_s(attempts: int, base_s: float, cap_s: float) -> float:
    """Seconds before the attempt after `attempts` tries: doubling, capped, spread by a fifth to both sides."""
    exact = min(cap_s, base_s * 2 ** min(max(attempts, 1) - 1, 30))
    return min(cap_s, exact * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311  (spreads load, guards nothing)
