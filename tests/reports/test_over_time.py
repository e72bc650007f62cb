"""Trends, streaks, the axis of a run, the page over all runs: what is said of time, and that nothing odd breaks it."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from rich.console import Console

from gate.compare import compare
from gate.history import History
from gate.model import Measurement, Moment, Outcome, Run
from reports import axis, charts, comparison, headlines, html, overview, past, view
from reports.sparkline import sparkline
from tests.gate.strategies import runs
from tests.reports import hostile as texts
from tests.reports.factory import go, hostile, judge, many, no_go, with_check
from tests.reports.factory import past as earlier
from tests.reports.page import Page, xml


def rollback(value: float = 38.2) -> Measurement:
    return Measurement("worst rollback", value, "s", 600.0, median=value)


def test_a_trend_has_this_run_last_and_rings_where_the_limit_was_another() -> None:
    found = past.trend(no_go(), "deployment.self-healing", next(
        each.measurements[0] for each in no_go().checks if each.id == "deployment.self-healing"
    ))  # fmt: skip
    assert found is not None
    assert (found.values[-1], len(found.values)) == (88.0, 7)
    drawn = xml(sparkline(found))
    assert [each.attrib["r"] for each in drawn.iter("circle")] == ["3.5", "2.5"]
    assert "22 s, 21 s" in drawn.attrib["aria-label"]
    assert [row[3] for row in past.rows(found)] == ["30 s"] * 6 + ["60 s"]


def test_no_trend_without_earlier_runs_and_none_of_numbers_beyond_sense() -> None:
    assert past.trend(go(), "rollback.time", rollback()) is None
    found = past.trend(no_go(), "rollback.time", rollback(math.inf))
    assert found is not None
    assert sparkline(found) == sparkline(None) == ""


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("deployment.dry-run", "not passed in 2 of 6 runs before"),
        ("deployment.identity", "new in this run"),
    ],
)
def test_since_when(check: str, said: str) -> None:
    assert past.since(no_go(), check) == said
    assert past.since(go(), check) == ""


def test_a_check_that_never_passed_says_so() -> None:
    always = tuple(replace(each, not_passed=("a.b",)) for each in earlier(4))
    assert past.since(replace(go(), past=always), "a.b") == "not passed in any of the 5 runs known"
    assert past.since(replace(go(), past=(earlier(1)[0], *always)), "a.b") == "not passed for 5 runs"


@pytest.mark.parametrize(
    ("then", "words"),
    [("2026-11-20T11:43:07Z", ", 3 days before"), ("2026-11-23T08:00:00Z", ", 4 hours before"),
     ("2026-11-23T11:13:07Z", ", 30 min 00 s before"), ("soon", "")],
)  # fmt: skip
def test_the_run_before_is_named_with_its_age(then: str, words: str) -> None:
    run = replace(go(), past=(replace(earlier()[-1], started=then),))
    assert past.last(run) == f"Last run of 1.0.0{words}: GO."


def test_every_check_is_on_the_axis_in_its_lane_and_what_did_not_pass_is_taller() -> None:
    run, verdict = judge(no_go())
    found = axis.axis(run, view.rows(run, verdict))
    assert len(found.bars) == len(run.checks)
    assert {bar.lane for bar in found.bars} == {"operation", "release"}
    assert found.marks["fault"][0][0] == 61.0
    drawn = xml(axis.draw(found))
    tall = [each for each in drawn.iter("rect") if each.attrib["height"] == "18"]
    assert len(tall) == sum(bar.state != "passed" for bar in found.bars)


@settings(max_examples=40)
@given(run=runs)
def test_any_run_has_an_axis_or_none(run: Run) -> None:
    run, verdict = judge(run)
    assert axis.draw(axis.axis(run, view.rows(run, verdict))) == ""  # none of them says when it began


def test_a_moment_beyond_all_time_is_not_drawn() -> None:
    run, verdict = judge(
        with_check(no_go(), "rollback.time", timeline=(Moment(math.nan, "k", "l"), Moment(1e300, "k", "l")))
    )
    assert "k" not in axis.axis(run, view.rows(run, verdict)).marks


def test_faults_are_shaded_until_they_are_over() -> None:
    moments = [Moment(t, kind, "") for t, kind in ((1, "fault"), (2, "seen"), (4, "healed"), (6, "fault"))]
    assert charts.spans(moments) == [(1, 4)]
    drawn = charts.timeline((), moments)
    assert drawn.count("<rect") == 1
    assert charts.timeline((), moments[:1]) == ""


def test_the_table_beside_a_chart_has_every_extreme() -> None:
    (series,) = next(check for check in no_go().checks if check.series).series
    parts = charts.parts(series)
    assert len(parts) <= charts.ROWS
    assert min(low for _, low, _ in parts) == 0
    assert max(high for _, _, high in parts) == 2


def test_a_promise_is_measured_by_the_worst_or_said_not_to_be() -> None:
    run = go()
    slow = replace(rollback(), name="fault until the receiver had it", unit="s", value=4.9, limit=5.0)
    alerts = [
        replace(run.checks[0], id=f"monitoring.alert-{n}", measurements=(replace(slow, value=4.9 - n),)) for n in (0, 1)
    ]
    run, verdict = judge(replace(run, checks=(*run.checks, *alerts)))
    controls = headlines.headlines(run, view.limits(view.rows(run, verdict)), html.compliance(run, verdict))
    found = {each.title: each for each in controls}
    assert found["Alert after a fault"].note == "worst of 2"
    assert found["Alert after a fault"].row is not None
    assert found["Alert after a fault"].row.measured == "4.9 s"
    assert (found["Recovery time (RTO)"].word, found["Recovery time (RTO)"].tone) == ("not measured", "warn")
    assert found["Security controls"].word == "kept"


def test_a_limit_is_known_by_its_name_whatever_the_measurement_is_called() -> None:
    named = replace(rollback(), name="anything", limit_name="recovery.rto_s")
    run, verdict = judge(with_check(go(), "recovery.worker-crash", measurements=(named,)))
    found = headlines.headlines(run, view.limits(view.rows(run, verdict)), html.compliance(run, verdict))
    assert next(each for each in found if "RTO" in each.title).row is not None
    assert next(each for each in found if "RPO" in each.title).row is None


def test_a_control_that_was_not_looked_at_is_not_broken() -> None:
    run, verdict = judge(no_go())
    found = headlines.headlines(run, (), html.compliance(run, verdict))
    assert next(each for each in found if each.title == "Security controls").word == "broken"
    run, verdict = judge(with_check(go(), "security.container-user", outcome=Outcome.UNVERIFIED))
    found = headlines.headlines(run, (), html.compliance(run, verdict))
    assert next(each for each in found if each.title == "Security controls").word == "not all verified"


@pytest.fixture
def history(tmp_path: Path) -> History:
    found = History(tmp_path)
    for day in (1, 2, 3):
        found.add(*judge(replace(go(), id=f"run-{day}", started=f"2026-11-0{day}T12:00:00Z")))
    return found


def test_the_page_over_all_runs_links_to_the_reports_that_are_there(history: History, tmp_path: Path) -> None:
    (tmp_path / "runs" / "run-2").mkdir(parents=True)
    (tmp_path / "runs" / "run-2" / "report.html").touch()
    history.add(*judge(replace(go(), id="../../etc", started="2026-11-04T12:00:00Z", sealed=False)))
    found = Page(overview.write(history, tmp_path).read_text())
    assert [each["href"] for each in found.all("a")] == ["runs/run-2/report.html"]
    assert "Rollback: rollback.time worst rollback (s)" in found.text
    assert found.text.index("run-3") < found.text.index("run-1")
    assert "cut off" in found.text


@pytest.mark.parametrize("text", [texts.MARKUP, texts.CONTROLS], ids=["markup", "controls"])
def test_the_page_over_all_runs_is_inert(text: str, history: History, tmp_path: Path) -> None:
    history.add(*judge(hostile(text)))
    page = overview.render(history, tmp_path)
    assert not {tag for tag, _ in Page(page).tags} & {"script", "img", "iframe"}
    assert not [each for each in Page(page).all("a") if not each["href"].startswith("runs/")]


def printed(before: Run, now: Run) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(comparison.render(before, now, compare(before, now)))
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_a_comparison_says_what_is_not_established_any_more_and_what_cannot_be_told() -> None:
    text = printed(go(), no_go())
    assert "Not established any more (8)" in text
    assert "deployment.dry-run: passed → failed" in text
    assert "it cannot be told whether that is noise" in text
    assert "needs 6 samples" in text
    assert "so no number can be held against another" in printed(go(), replace(go(), profile="soak"))


@pytest.mark.parametrize("text", [texts.TERMINAL, texts.CONTROLS, texts.RICH], ids=["t", "c", "r"])
def test_a_comparison_acts_on_no_terminal(text: str) -> None:
    said = printed(hostile(text), replace(hostile(text), profile="x", checks=hostile(text).checks[2:]))
    assert not [c for c in said if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0]


def test_of_many_nothing_is_endless() -> None:
    other = many(500)
    moved = tuple(
        replace(check, measurements=tuple(replace(m, median=m.value * 9) for m in check.measurements))
        for check in other.checks
    )
    assert len(printed(other, replace(other, checks=moved))) < 3_000
