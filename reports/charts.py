"""Inline SVG, drawn in Python. Colours are literal attributes, so a page whose style sheet is blocked still reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from gate.model import Measurement, Moment, Series
from gate.text import flat
from reports.number import number, quantity
from reports.palette import LIGHT

WIDTH, HEIGHT = 160, 14  # of a bar
CHART, LANE, LABEL = 960, 64, 14  # width of a timeline, height of one lane, height of its caption
POINTS = 2_000  # of a series, before it is drawn
BOUND = 1e15  # beyond it nothing can be drawn; not a number is beyond it too
ROWS = 40  # of the table beside a timeline
MOMENTS = 40  # with a letter; the list under the chart has no more either
CLOSE, STEPS = 18, 4  # letters nearer to each other than this (px) stand lower, at most so many steps
BEGINS, ENDS = ("fault", "killed", "flood"), ("healed", "recovered", "resolved", "ended")
COLUMNS = 180  # of a timeline: each draws the least and the greatest value in it, so no spike is lost
HATCH = Markup(
    '<svg width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="5" height="5" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="none"/>'
    '<line x1="0" y1="0" x2="0" y2="5" stroke="{no}" stroke-width="3" class="s-no"/></pattern></defs></svg>'
).format(no=LIGHT["no"])


def bar(measurement: Measurement) -> Markup:
    """Return measured against limit as a bar with a mark; what breaks the limit is hatched. Empty where none makes sense."""
    limit, value = measurement.limit, measurement.value
    if not limit or not (math.isfinite(value) and math.isfinite(limit)) or min(value, limit) < 0:
        return Markup("")
    scale = WIDTH / (1.15 * max(value, limit))
    end, mark = round(value * scale, 1), round(limit * scale, 1)
    start, stop = min(end, mark), max(end, mark)
    hatch = Markup('<rect x="{}" y="2" width="{}" height="10" fill="url(#hatch)"/>').format(
        start, round(stop - start, 1)
    )
    return Markup(
        '<svg class="bar" width="{w}" height="{h}" viewBox="0 0 {w} {h}" aria-hidden="true">'
        '<rect x="0" y="2" width="{fill}" height="10" fill="{bar}" class="f-bar"/>{hatch}'
        '<rect x="{mark}" y="0" width="2" height="{h}" fill="{ink}" class="f-mark"/></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        fill=end if measurement.kept else start,
        bar=LIGHT["bar"],
        hatch=Markup("") if measurement.kept else hatch,
        mark=mark,
        ink=LIGHT["mark"],
    )


def letter(index: int) -> str:
    """Return A, B, … Z, AA, AB, … for the events of a timeline."""
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(65 + index % 26)


def timeline(series: Sequence[Series], moments: Sequence[Moment]) -> Markup:
    """Return the series as lanes over one clock, with the moments as lettered lines and the time of each fault shaded; the
    moments alone where there is no series, and nothing where there is neither."""
    drawn = [(each, clean(each)) for each in series]
    drawn = drawn if any(points for _, points in drawn) else []
    marks = [(letter(index), moment) for index, moment in enumerate(moments[:MOMENTS]) if _drawable(moment.t)]
    times = [t for _, points in drawn for t, _ in points] + [moment.t for _, moment in marks]
    if not drawn and len(marks) < 2:
        return Markup("")
    first, last = min(times), max(times)
    span = (last - first) or 1.0
    height = len(drawn) * (LANE + LABEL) + LABEL + (4 if drawn else 66)
    names = "; ".join(_caption(each, points) for each, points in drawn) or f"{len(marks)} moments"
    body = [_band(start, end, first, span, height) for start, end in spans([moment for _, moment in marks])]
    body += [
        _lane(each, points, LABEL + index * (LANE + LABEL), first, span) for index, (each, points) in enumerate(drawn)
    ]
    body += [
        _line(name, x, low, height)
        for name, x, low in _placed([(name, moment.t) for name, moment in marks], first, span)
    ]
    clock = Markup(
        '<text x="0" y="{y}" class="t">{a} s</text><text x="{x}" y="{y}" text-anchor="end" class="t">{b} s</text>'
    )
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" width="{w}" role="img" aria-label="{names}" font-size="11" fill="{ink}">'
        "{body}{clock}</svg>"
    ).format(
        w=CHART,
        h=height,
        names=names,
        ink=LIGHT["ink"],
        body=Markup("").join(body),
        clock=clock.format(y=height - 2, x=CHART, a=number(first), b=number(last)),
    )


def spans(moments: Sequence[Moment]) -> list[tuple[float, float]]:
    """Return from when to when something was wrong: from each fault to the moment that says that it is over."""
    found, since = [], None
    for moment in sorted(moments, key=lambda each: each.t):
        if since is None and moment.kind in BEGINS:
            since = moment.t
        elif since is not None and moment.kind in ENDS:
            found.append((since, moment.t))
            since = None
    return found


def parts(series: Series) -> list[tuple[float, float, float]]:
    """Return the series as a table has it: from when, the least and the greatest value, in at most 40 parts of its time."""
    points = sorted(clean(series))
    if not points:
        return []
    width = (points[-1][0] - points[0][0]) / (ROWS - 1)
    found: dict[int, list[tuple[float, float]]] = {}
    for at, point in enumerate(points):
        found.setdefault(int((point[0] - points[0][0]) / width) if width else at % ROWS, []).append(point)
    return [(part[0][0], min(v for _, v in part), max(v for _, v in part)) for _, part in sorted(found.items())]


def _band(start: float, end: float, first: float, span: float, height: int) -> Markup:
    left, right = ((t - first) / span * CHART for t in (start, end))
    return Markup('<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{c}" fill-opacity="0.1" class="f-no"/>').format(
        x=round(left, 1), y=LABEL, w=round(right - left, 1), h=height - 2 * LABEL, c=LIGHT["no"]
    )


def clean(series: Series) -> list[tuple[float, float]]:
    """Return the points that can be drawn: finite, and not beyond all sense."""
    return [point for point in series.points if -BOUND < point[0] < BOUND and -BOUND < point[1] < BOUND]


def thinned(series: Series) -> Series:
    """Return the series with at most 2,000 points that can be drawn, of each part of its time the least and the greatest:
    a chart shows no more, and everything after this is quick."""
    points = clean(series)
    if len(points) <= POINTS:
        return replace(series, points=tuple(points))
    points.sort(key=_time)
    size = math.ceil(len(points) / (POINTS // 2))
    parted = (points[at : at + size] for at in range(0, len(points), size))
    kept = (sorted({min(part, key=_value), max(part, key=_value)}) for part in parted)
    return replace(series, points=tuple(point for part in kept for point in part))


def _drawable(number: float) -> bool:
    return -BOUND < number < BOUND


def _caption(series: Series, points: Sequence[tuple[float, float]]) -> str:
    if not points:
        return f"{flat(series.name)}: no points"
    low, high = min(v for _, v in points), max(v for _, v in points)
    return f"{flat(series.name)}: {number(low)} to {quantity(number(high), flat(series.unit))}, {len(points):,} points"


def _lane(series: Series, points: Sequence[tuple[float, float]], top: int, first: float, span: float) -> Markup:
    values = [value for _, value in points] or [0.0]
    low, high = min(0.0, *values), max(values)
    room = (high - low) or 1.0
    path = "".join(
        f"{'M' if index == 0 else 'L'}{(t - first) / span * CHART:.0f} {top + LANE + 2 - (v - low) / room * (LANE - 6):.0f}"
        for index, (t, v) in enumerate(reduced(points, first, span))
    )
    return Markup(
        '<text x="0" y="{y}" class="t">{caption}</text>'
        '<path d="M0 {base}H{w}" stroke="{mute}" stroke-width="0.5" class="s-mute"/>'
        '<path d="{path}" fill="none" stroke="{ink}" stroke-width="1.5" class="s-series"/>'
    ).format(
        y=top,
        caption=_caption(series, points),
        base=top + LANE + 2,
        w=CHART,
        mute=LIGHT["mute"],
        path=path,
        ink=LIGHT["series"],
    )


def reduced(points: Sequence[tuple[float, float]], first: float, span: float) -> list[tuple[float, float]]:
    """Return at most two points for each column of the chart: its least and its greatest, in their order of time."""
    if len(points) <= 2 * COLUMNS:
        return sorted(points)
    columns: dict[int, list[tuple[float, float]]] = {}
    for t, value in points:
        columns.setdefault(int((t - first) / span * (COLUMNS - 1)), []).append((t, value))
    kept: list[tuple[float, float]] = []
    for _, column in sorted(columns.items()):
        kept += sorted({min(column, key=_value), max(column, key=_value)})
    return kept


def _time(point: tuple[float, float]) -> float:
    return point[0]


def _value(point: tuple[Any, float]) -> float:
    return point[1]


def _placed(marks: Sequence[tuple[str, float]], first: float, span: float) -> list[tuple[str, float, int]]:
    """Return each letter with its place, those that would stand in one another a step lower."""
    found: list[tuple[str, float, int]] = []
    for name, t in sorted(marks, key=_value):
        x = round((t - first) / span * CHART, 1)
        near = found and x - found[-1][1] < CLOSE
        found.append((name, x, (found[-1][2] + 1) % STEPS if near else 0))
    return found


def _line(name: str, x: float, low: int, height: int) -> Markup:
    anchor = "end" if x > CHART - 14 else "start"
    return Markup(
        '<path d="M{x} {top}V{bottom}" stroke="{mute}" stroke-dasharray="3 3" class="s-mute"/>'
        '<text x="{at}" y="{y}" text-anchor="{anchor}" font-weight="bold" class="t">{name}</text>'
    ).format(
        x=x,
        top=LABEL,
        bottom=height - LABEL,
        mute=LIGHT["mute"],
        at=x - 2 if anchor == "end" else x + 2,
        y=LABEL * 2 - 2 + low * (LABEL - 3),
        anchor=anchor,
        name=name,
    )
