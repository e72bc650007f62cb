"""The report as one static page: nothing is fetched, nothing runs, every string is escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from gate.areas import AREAS
from gate.compliance import Compliance, Row, Standing, compliance
from gate.criteria import criteria
from gate.model import Blocker, Json, Measurement, Run, Verdict
from gate.status import ExitStatus
from gate.text import inert
from reports import charts, matrix, view
from reports.number import duration, number, pair, quantity
from reports.palette import DARK, LIGHT, variables

LARGEST = 1_000_000  # bytes; beyond it the details of passed checks are shortened
TEMPLATES = Path(__file__).with_name("templates")
AREA_FILTERS = 24
STANDARD_FILTERS = 12


@dataclass(frozen=True, slots=True)
class Area:
    """An area's checks counted by state, in the order of the states, and the time they took."""

    name: str
    counts: tuple[int, ...]
    time: str


def render(run: Run, verdict: Verdict) -> str:
    """Return the page; above 1 MB, again with the details of passed checks shortened, which the page then says."""
    facts = _facts_of_page(run, verdict)
    page = _template().render(facts, slim=False, dropped=False)
    if len(page.encode()) <= LARGEST:
        return page
    return _template().render(facts, slim=True, dropped=True)


def _facts_of_page(run: Run, verdict: Verdict) -> dict[str, Any]:
    rows = view.rows(run, verdict)
    states = tuple(state for state in view.State if any(row.state is state for row in rows))
    areas = tuple(_areas(rows, states))
    anchors: dict[str, str] = {}
    for row in rows:
        anchors.setdefault(row.check.id, row.anchor)
    release = run.target.get("release")
    style = _style()
    controls = compliance(run, verdict)
    return {
        "actors": view.acting(verdict),
        "advisory": [row for row in rows if row.state is view.State.UNVERIFIED and not row.blockers],
        "absent": [row for row in rows if row.state is view.State.NOT_APPLICABLE],
        "against": view.against(verdict),
        "anchors": _Anchors(anchors),
        "area_index": {area.name: index for index, area in enumerate(areas)},
        "areas": areas,
        "bar": charts.bar,
        "clock": _clock,
        "control_families": _families(controls),
        "controls": controls,
        "criteria": criteria(run, verdict),
        "decision": verdict.decision.value,
        "duration": duration,
        "exit_status": int(ExitStatus.of(verdict.decision)),
        "facts": (*_flat("target", run.target), *_flat("host", run.host)),
        "hatch": charts.HATCH,
        "headline": view.headline(verdict),
        "matrix": matrix,
        "identity": _identity(run),
        "kind_sign": _kind_sign,
        "limits": view.limits(rows),
        "measured": _measured,
        "release": release.get("candidate", "") if isinstance(release, Mapping) else "",
        "rows": rows,
        "run": run,
        "standard_classes": _standard_classes(run),
        "standings": [standing for standing, count in controls.counts.items() if count],
        "sign": view.SIGNS[verdict.decision],
        "signs": view.SIGNS,
        "spread": _spread,
        "states": states,
        "style": Markup(style),  # noqa: S704 - our own style sheet; its hash is in the page's policy
        "style_hash": "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "sums": [sum(area.counts[index] for area in areas) for index in range(len(states))],
        "timeline": charts.timeline,
        "title": run.target.get("title") or run.target.get("name") or "Unnamed system",
        "tone": view.TONES[verdict.decision],
        "tones": view.TONES,
        "totals": view.totals(verdict, rows),
        "unseen": view.unseen(verdict),
        "values": _values,
        "what": view.what,
        "waiver_blocks": {blocker.check for blocker in verdict.blockers if blocker.kind == "waiver"},
        "waivers": tuple(view.waivers(run)),
    }


class _Anchors(dict[str, str]):
    """Where a check is on the page; the empty string where it is not."""

    def __missing__(self, _key: str) -> str:
        return ""


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _inert(value: object) -> object:
    """Make every printed value inert; Jinja escapes it afterwards. Only what charts.py drew is markup already."""
    return value if isinstance(value, Markup) else inert(str(value))


@cache
def _style() -> str:
    """Return the style sheet, the same in every report, so that its hash can stand in the page's policy."""
    shown = "".join(
        f"body:has(#show-{state.slug}:checked) .check:not(.s-{state.slug}){{display:none}}" for state in view.State
    )
    areas = "".join(f"body:has(#area-{n}:checked) .check:not(.a{n}){{display:none}}" for n in range(AREA_FILTERS))
    controls = "".join(
        f"body:has(#control-{standing.name}:checked) .control:not(.t-{standing.name}){{display:none}}"
        for standing in Standing
    ) + "".join(f"body:has(#standard-{n}:checked) .control:not(.k{n}){{display:none}}" for n in range(STANDARD_FILTERS))
    themes = (
        f":root{{{variables(LIGHT)}}}@media screen and (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
        ":root{color-scheme:light dark}"
    )
    return themes + (TEMPLATES / "page.css").read_text(encoding="utf-8").replace("\n", "") + shown + areas + controls


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


def _kind_sign(blocker: Blocker) -> str:
    return {"failed": "✕", "waiver": "w"}.get(blocker.kind, "?")


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
