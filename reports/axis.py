"""The whole run on one axis: in each lane its checks from beginning to end, below them what was done to the system and when."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from gate.lanes import held
from gate.model import Run
from gate.text import flat
from reports import view
from reports.number import duration, number
from reports.palette import LIGHT

WIDTH, ROW, NAMES = 1180, 22, 110
MOST_KINDS = 8
MOST_MARKS = 400  # of one kind on the axis; the table beside it has no more either
TONES = {"failed": "no", "unverified": "warn", "missing": "warn", "waived": "warn", "passed": "go"}


@dataclass(frozen=True, slots=True)
class Bar:
    """A check on the axis, in seconds after the run began."""

    check: str
    anchor: str
    lane: str
    state: str
    tone: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Axis:
    """All bars, and the moments of every check by kind."""

    bars: tuple[Bar, ...]
    marks: dict[str, tuple[tuple[float, str, str], ...]]
    span: float


def axis(run: Run, rows: tuple[view.Row, ...]) -> Axis:
    """Return what stands on the axis of a run; empty where it does not say when its checks began."""
    bars = tuple(sorted(_bars(run, rows), key=lambda bar: (bar.lane, bar.begin)))
    marks: dict[str, list[tuple[float, str, str]]] = {}
    for row in rows:
        for moment in row.check.timeline:
            if math.isfinite(moment.t) and 0 <= moment.t < 1e9:
                marks.setdefault(moment.kind, []).append((moment.t, moment.label, row.check.id))
    often = sorted(marks, key=lambda kind: -len(marks[kind]))[:MOST_KINDS]
    span = max([run.seconds if math.isfinite(run.seconds) else 0.0, *(bar.end for bar in bars), 1.0])
    kept = {kind: tuple(sorted(marks[kind])[:MOST_MARKS]) for kind in marks if kind in often}
    return Axis(bars, {kind: tuple(mark for mark in found if mark[0] <= span) for kind, found in kept.items()}, span)


def draw(found: Axis) -> Markup:
    """Return the axis as a drawing; empty when nothing is on it. Its table is the page's."""
    if not found.bars:
        return Markup("")
    lanes = list(dict.fromkeys(bar.lane for bar in found.bars))
    scale = (WIDTH - NAMES) / found.span
    parts = [_row(lane, at) for at, lane in enumerate([*lanes, *found.marks])]
    parts += [_bar(bar, lanes.index(bar.lane), scale) for bar in found.bars]
    for at, marks in enumerate(found.marks.values(), len(lanes)):
        parts.append(_marks([t for t, _, _ in marks], at, scale))
    rows = len(lanes) + len(found.marks)
    height = rows * ROW + 18
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" width="{w}" role="img" aria-label="{words}" font-size="12" fill="{ink}">'
        '{body}<text x="{x}" y="{y}" class="t">0 s</text>'
        '<text x="{w}" y="{y}" text-anchor="end" class="t">{end}</text></svg>'
    ).format(
        w=WIDTH,
        h=height,
        x=NAMES,
        y=height - 3,
        ink=LIGHT["ink"],
        end=duration(found.span),
        body=Markup("").join(parts),
        words=_words(found, len(lanes)),
    )


def _words(found: Axis, lanes: int) -> str:
    events = ", ".join(map(flat, found.marks)) or "no events"
    return f"{len(found.bars)} checks in {lanes} lanes over {duration(found.span)}, with {events}"


def _bars(run: Run, rows: tuple[view.Row, ...]) -> Iterator[Bar]:
    began = _moment(run.started)
    lane_of = {check: lane for lane, checks in held(run).items() for check in checks}
    for row in rows:
        moment = _moment(row.check.started or "")
        if began is None or moment is None or not math.isfinite(row.check.seconds):
            continue
        begin = max(0.0, (moment - began).total_seconds())
        yield Bar(
            row.check.id, row.anchor, lane_of.get(row.check.id, ""), row.state.value, TONES.get(row.state.value, "mute"),
            begin, begin + max(0.0, row.check.seconds),
        )  # fmt: skip


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _row(name: str, at: int) -> Markup:
    y = at * ROW
    return Markup(
        '<text x="0" y="{t}" class="t">{name}</text><path d="M{x} {b}H{w}" stroke="{mute}" stroke-width="0.5" class="s-mute"/>'
    ).format(t=y + 15, name=flat(name)[:16], x=NAMES, b=y + ROW - 1, w=WIDTH, mute=LIGHT["mute"])


def _bar(bar: Bar, at: int, scale: float) -> Markup:
    """A bar of the colour of its state, those that did not pass taller, so that they are told without colour."""
    tall = bar.tone != "go"
    return Markup('<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{c}" class="f-{tone}"/>').format(
        x=number(NAMES + bar.begin * scale, 5).replace(",", ""),
        y=at * ROW + (2 if tall else 6),
        w=number(max(1.0, (bar.end - bar.begin) * scale - 0.5), 4).replace(",", ""),
        h=18 if tall else 11,
        c=LIGHT[bar.tone],
        tone=bar.tone,
    )


def _marks(times: list[float], at: int, scale: float) -> Markup:
    y = at * ROW
    path = "".join(f"M{NAMES + t * scale:.1f} {y + 4}V{y + 18}" for t in times)
    return Markup('<path d="{path}" stroke="{ink}" stroke-width="1.5" class="s-series"/>').format(
        path=path, ink=LIGHT["series"]
    )
