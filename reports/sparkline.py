"""How a number went over the last runs, as a line no larger than a word. Zero is the ground, so that small moves look small."""

from __future__ import annotations

import math

from markupsafe import Markup

from reports.palette import LIGHT
from reports.past import Trend

WIDTH, HEIGHT, EDGE = 96, 20, 4


def sparkline(trend: Trend | None) -> Markup:
    """Return the line, a dot for this run, a ring around each that had another limit; empty without earlier runs."""
    if trend is None or not all(math.isfinite(value) and abs(value) < 1e15 for value in trend.values):
        return Markup("")
    low, high = min(0.0, *trend.values), max(trend.values)
    room = (high - low) or 1.0
    step = (WIDTH - 2 * EDGE) / (len(trend.values) - 1)
    places = [
        (round(EDGE + at * step, 1), round(HEIGHT - EDGE - (value - low) / room * (HEIGHT - 2 * EDGE), 1))
        for at, value in enumerate(trend.values)
    ]
    rings = Markup("").join(
        Markup('<circle cx="{}" cy="{}" r="3.5" fill="none" stroke="{}" class="s-mute"/>').format(x, y, LIGHT["mute"])
        for (x, y), limit in zip(places, trend.limits, strict=True)
        if limit != trend.limits[-1]
    )
    return Markup(
        '<svg class="spark" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{words}">'
        '<path d="{path}" fill="none" stroke="{ink}" stroke-width="1.5" class="s-series"/>{rings}'
        '<circle cx="{x}" cy="{y}" r="2.5" fill="{ink}" class="f-series"/></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        words=f"last {len(places) - 1} runs and this one: {trend.words}",
        path="M" + "L".join(f"{x} {y}" for x, y in places),
        ink=LIGHT["series"],
        rings=rings,
        x=places[-1][0],
        y=places[-1][1],
    )
