"""What the page's templates need to tell what happened when: in earlier runs, in this run, and in one check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from gate.model import CheckResult, Run, Series
from gate.text import flat
from reports import axis, charts, comparison, past, view
from reports.number import number
from reports.sparkline import sparkline

TONES = {"worse": "no", "better": "go", "cannot tell": "warn", "not worse": "mute"}


def facts(run: Run, rows: tuple[view.Row, ...]) -> dict[str, Any]:
    """Return what the templates changes, axis, limits and checks call by these names."""

    def trends(check: CheckResult) -> Iterator[tuple[str, past.Trend]]:
        for each in check.measurements if run.past else ():
            if found := past.trend(run, check.id, each):
                yield each.name, found

    def trend_of(row: view.LimitRow) -> Markup:
        return sparkline(past.trend(run, row.check, row.measurement)) if run.past else Markup("")

    thin: dict[str, tuple[Series, ...]] = {}

    def series_of(row: view.Row) -> tuple[Series, ...]:
        if row.anchor not in thin:
            thin[row.anchor] = tuple(charts.thinned(each) for each in row.check.series)
        return thin[row.anchor]

    return {
        "axis": axis.axis(run, rows),
        "before_now": comparison.before_now,
        "change_signs": comparison.SIGNS,
        "change_tones": TONES,
        "chart_rows": chart_rows,
        "draw_axis": axis.draw,
        "last": past.last(run),
        "moved": [change for change in run.regressions if change.certain in ("worse", "better")],
        "percent": comparison.percent,
        "since": lambda check: past.since(run, check),
        "series_of": series_of,
        "spark": sparkline,
        "steady": sum(change.certain == "not worse" for change in run.regressions),
        "timeline": charts.timeline,
        "trend_of": trend_of,
        "trend_rows": past.rows,
        "trends": trends,
        "turned": _turned(run, rows),
        "unclear": [change for change in run.regressions if change.certain == "cannot tell"],
    }


def chart_rows(series: Sequence[Series]) -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    """Yield unit, name and rows of each series: from when, the least and the greatest value."""
    for each in series:
        rows = [(f"+{number(t, 4)} s", number(low), number(high)) for t, low, high in charts.parts(each)]
        yield flat(each.unit), flat(each.name), rows


def _turned(run: Run, rows: tuple[view.Row, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    not_passed = {row.check.id for row in rows if row.state in (view.State.FAILED, view.State.UNVERIFIED)}
    worse, better = past.turned(run, not_passed)
    return ("Not established any more", worse), ("Established again", better)
