"""The report as one static page: nothing is fetched, nothing runs, every string is escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from markupsafe import Markup

from gate.areas import AREAS
from gate.compliance import Compliance, Row, compliance
from gate.criteria import criteria
from gate.model import Json, Measurement, Run, Verdict
from gate.status import ExitStatus
from reports import charts, matrix, over_time, view
from reports.groups import groups
from reports.headlines import headlines
from reports.number import duration, number, pair, quantity
from reports.page import environment, style_sheet

MOST_ROWS = 200  # of a table; what is beyond them is said to be in results.json


class Size(IntEnum):
    """How much of the checks a page holds."""

    WHOLE = 0
    SHORT = 1
    SHORTEST = 2

    @property
    def sentence(self) -> str:
        """What it leaves out."""
        said = "the details of passed checks are shortened"
        return said + (f", and those of others after the first {self.details}" if self is Size.SHORTEST else "")

    @property
    def details(self) -> int:
        """Of how many checks that did not pass the details are shown."""
        return 50 if self is Size.SHORTEST else 1_000


# Bytes that a page of each size may have before it is written anew, shorter.
SIZES = {Size.WHOLE: 1_500_000, Size.SHORT: 3_000_000, Size.SHORTEST: 5_000_000}


MOST_CHECKS = {Size.WHOLE: 2_000, Size.SHORT: 5_000}


@dataclass(frozen=True, slots=True)
class Area:
    """An area's checks counted by state, in the order of the states, and the time they took."""

    name: str
    counts: tuple[int, ...]
    time: str


def render(run: Run, verdict: Verdict) -> str:
    """Return the page, with as many details as keep it small enough to be opened; it says what it leaves out."""
    facts = _facts_of_page(run, verdict)
    template, page = environment().get_template("page.html"), ""
    for size, largest in SIZES.items():
        if size is not Size.SHORTEST and len(facts["rows"]) > MOST_CHECKS[size]:
            continue  # it would be too large, and writing it takes its time
        page = template.render(facts, size=size)
        if len(page.encode()) <= largest:
            break
    return page


def _facts_of_page(run: Run, verdict: Verdict) -> dict[str, Any]:
    rows = view.rows(run, verdict)
    states = tuple(state for state in view.State if any(row.state is state for row in rows))
    areas = tuple(_areas(rows, states))
    release = run.target.get("release")
    images = run.target.get("images")
    style = style_sheet()
    controls = compliance(run, verdict)
    limits = view.limits(rows)
    return {
        "actors": view.acting(verdict),
        "advisory": [row for row in rows if row.state is view.State.UNVERIFIED and not row.blockers],
        "absent": [row for row in rows if row.state is view.State.NOT_APPLICABLE],
        "against": view.against(verdict),
        "anchors": _Anchors({row.check.id: row.anchor for row in reversed(rows)}),
        "area_index": {area.name: index for index, area in enumerate(areas)},
        "areas": areas,
        "bar": charts.bar,
        "brief": view.brief,
        "clock": _clock,
        "control_families": _families(controls),
        "controls": controls,
        "criteria": criteria(run, verdict),
        "criterion": view.criterion,
        "decision": verdict.decision.value,
        "duration": duration,
        "exit_status": int(ExitStatus.of(verdict.decision)),
        "facts": (*_flat("target", run.target), *_flat("host", run.host)),
        "groups": tuple(groups(rows)),
        "hatch": charts.HATCH,
        "headline": view.headline(verdict),
        "headlines": headlines(run, limits, controls),
        "matrix": matrix,
        "identity": _identity(run),
        "images": len(images) if isinstance(images, Mapping) else 0,
        "kind_sign": view.kind_sign,
        "left_out": view.left_out(run),
        "limits": limits,
        "measured": _measured,
        "most_bars": MOST_ROWS,
        "most_limits": MOST_ROWS,
        "most_reasons": MOST_ROWS,
        "passed_of": view.passed_of,
        "release": release.get("candidate", "") if isinstance(release, Mapping) else "",
        "rows": rows,
        "run": run,
        "standard_classes": _standard_classes(run),
        "standings": [standing for standing, count in controls.counts.items() if count],
        "sign": view.SIGNS[verdict.decision],
        "signs": view.SIGNS,
        "slowest": _slowest(rows),
        "spread": _spread,
        "states": states,
        "style": Markup(style),  # noqa: S704 - our own style sheet; its hash is in the page's policy
        "style_hash": "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "sums": [sum(area.counts[index] for area in areas) for index in range(len(states))],
        "title": run.target.get("title") or run.target.get("name") or "Unnamed system",
        "tone": view.TONES[verdict.decision],
        "tones": view.TONES,
        "totals": view.totals(verdict, rows),
        "unseen": view.unseen(verdict),
        "values": _values,
        "what": view.what,
        "waiver_blocks": {blocker.check for blocker in verdict.blockers if blocker.kind == "waiver"},
        "waivers": tuple(view.waivers(run)),
        **over_time.facts(run, rows),
    }


def _slowest(rows: tuple[view.Row, ...]) -> list[view.Row]:
    """The five checks that took longest, where any took a second."""
    slow = [row for row in rows if row.check.seconds >= 1]
    return sorted(slow, key=lambda row: -row.check.seconds)[:5]


class _Anchors(dict[str, str]):
    """Where a check is on the page; the empty string where it is not."""

    def __missing__(self, _key: str) -> str:
        return ""


def _areas(rows: tuple[view.Row, ...], states: tuple[view.State, ...]) -> Iterator[Area]:
    found = {row.check.area for row in rows}
    for name in (*(area for area in AREAS if area in found), *sorted(found - set(AREAS))):
        mine = [row for row in rows if row.check.area == name]
        counts = tuple(sum(row.state is state for row in mine) for state in states)
        yield Area(name, counts, duration(sum(row.check.seconds for row in mine)))


def _families(controls: Compliance) -> list[tuple[str, list[Row]]]:
    families: dict[str, list[Row]] = {}
    for row in controls.rows:
        families.setdefault(row.control.family, []).append(row)
    return list(families.items())


def _standard_classes(run: Run) -> dict[str, str]:
    """The class of the rows of each control, by its id: which of the run's standards ask for it."""
    places = {standard.name: number for number, standard in enumerate(run.standards)}
    return {
        control.id: " ".join(
            f"k{place}"
            for place in sorted({places[each.standard] for each in control.references if each.standard in places})
        )
        for control in run.controls
    }


def _identity(run: Run) -> str:
    target = run.target
    release = target.get("release")
    known = release if isinstance(release, Mapping) else {}
    revision, candidate, previous = (known.get(name, "") for name in ("revision", "candidate", "previous"))
    hashes = [
        f"{name} {str(target[key])[:12]}"
        for name, key in (("configuration", "config_sha256"), ("readiness.toml", "readiness_sha256"))
        if target.get(key)
    ]
    parts = (
        f"release {candidate}" if candidate else "",
        f"before it {previous}" if previous else "",
        f"revision {revision}" if revision else "",
        *hashes,
        f"profile {run.profile}",
        run.started,
        duration(run.seconds),
        f"readygate {run.gate_version}",
        f"run {run.id}",
    )
    return " · ".join(part for part in parts if part)


def _flat(prefix: str, facts: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for key, value in facts.items():
        name = f"{prefix}.{key}"
        if isinstance(value, Mapping):
            yield from _flat(name, value)
        else:
            yield name, value if isinstance(value, str) else json.dumps(value, default=str)


def _measured(each: Measurement) -> str:
    if each.limit is None:
        return quantity(number(each.value), each.unit)
    value, limit = pair(each.value, each.limit)
    return f"{quantity(value, each.unit)}, limit {quantity(limit, each.unit)}"


def _spread(each: Measurement) -> tuple[str, ...]:
    sign = "≤" if each.direction == "max" else "≥"
    value, limit = (number(each.value), "none") if each.limit is None else pair(each.value, each.limit)
    limit = limit if each.limit is None else f"{sign} {quantity(limit, each.unit)}"
    spread = ("–" if item is None else number(item) for item in (each.median, each.p95, each.p99, each.worst))
    return (quantity(value, each.unit), limit, f"{each.n:,}", *spread)


def _values(values: Mapping[str, Json]) -> str:
    return "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False, default=str)}" for key, value in values.items())


def _clock(t: float) -> str:
    return f"+{number(t, 4)} s"
