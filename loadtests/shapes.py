"""How much comes when: shapes for tests by hand, as phases of the schedule. Rates are of jobs a second; looks come beside."""

from __future__ import annotations

from typing import Any

# Up to which share of all documents are how large, in characters: most are a page, a few are a book's chapter.
SIZES = ((0.5, 400), (0.8, 2_000), (0.95, 10_000), (1.0, 50_000))
NORMAL_PER_S = 0.5
LOOKS = 4  # for each job
_SHAPES: dict[str, tuple[tuple[str, float, float], ...]] = {  # name, seconds, times the normal rate
    "steady": (("steady", 60, 1),),
    "ramp": (("ramp 1", 30, 0.5), ("ramp 2", 30, 1), ("ramp 3", 30, 1.5), ("ramp 4", 30, 2)),
    "spike": (("before", 30, 1), ("spike", 10, 5), ("after", 60, 1)),
    "stress": (("normal", 60, 1), ("stress", 60, 2), ("after", 60, 1)),
    "overload": (("normal", 60, 1), ("overload", 60, 10), ("after", 60, 1)),
    "soak": (("soak", 4 * 3600, 1),),
}


def phases(shape: str, tenants: list[str]) -> list[dict[str, Any]]:
    """The phases of a shape, its load shared evenly by the tenants."""
    return [
        {
            "name": name,
            "seconds": seconds,
            "streams": [
                {"kind": kind, "tenant": tenant, "per_s": NORMAL_PER_S * times * weight / len(tenants)}
                for tenant in tenants
                for kind, weight in (("jobs", 1.0), ("looks", float(LOOKS)), ("mistakes", 0.1))
            ],
        }
        for name, seconds, times in _SHAPES[shape]
    ]
