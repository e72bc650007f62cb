"""The judgement: what is not evidence never yields GO, and nothing bad ever improves a decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.judge import NOT_REACHED, Seen, judge
from gate.lane_process import LaneProcess
from gate.model import Blocker, Check, CheckResult, Decision, Lane, Measurement, Outcome, Run, Waiver
from gate.status import ExitStatus
from gate.verdict import decide, judged, part_passed
from tests.gate.strategies import checks, runs
from tests.reports.factory import TODAY, go, incomplete, no_go, passed, with_check

RANK = {Decision.NO_GO: 0, Decision.INCOMPLETE: 1, Decision.GO: 2}
COUNTED = ("passed", "failed", "unverified", "not_applicable", "waived", "missing")


def decision(run: Run) -> Decision:
    return decide(run, TODAY).decision


def kinds(run: Run) -> list[str]:
    return [blocker.kind for blocker in decide(run, TODAY).blockers]


def bad(outcome: Outcome, **more: object) -> CheckResult:
    return replace(passed("extra.check", "An extra check"), outcome=outcome, reason="because", **more)  # type: ignore[arg-type]


def test_go_needs_everything_and_the_example_has_it() -> None:
    verdict = decide(go(), TODAY)
    assert (verdict.decision, verdict.blockers) == (Decision.GO, ())


def test_no_go_and_incomplete_examples() -> None:
    assert decision(incomplete()) is Decision.INCOMPLETE
    assert sorted(kinds(no_go())) == ["failed", "failed", "unverified", "unverified", "waiver", "waiver"]
    assert decision(no_go()) is Decision.NO_GO


def test_what_failed_stands_before_what_was_not_seen_each_in_the_order_of_the_run() -> None:
    crashed = Lane("green", (), sealed=False)
    blockers = decide(replace(no_go(), lanes=(crashed,), expected=(*no_go().expected, "a.never-ran")), TODAY).blockers
    assert [(blocker.kind, blocker.check) for blocker in blockers] == [
        ("failed", "deployment.dry-run"),
        ("failed", "deployment.self-healing"),
        ("waiver", "security.published-ports"),
        ("waiver", "access.roles"),
        ("unverified", "security.secrets-at-rest"),
        ("unverified", "recovery.worker-crash"),
        ("missing", "a.never-ran"),
        ("lane", ""),
    ]


def test_an_empty_run_is_incomplete() -> None:
    run = replace(go(), checks=(), expected=(), lanes=())
    assert (decision(run), kinds(run)) == (Decision.INCOMPLETE, ["missing"])


@pytest.mark.parametrize("outcome", [Outcome.NOT_APPLICABLE, Outcome.PASSED])
def test_a_run_without_a_required_pass_is_incomplete(outcome: Outcome) -> None:
    run = replace(
        go(),
        checks=tuple(
            replace(check, outcome=outcome, required=outcome is Outcome.NOT_APPLICABLE) for check in go().checks
        ),
    )
    assert (decision(run), kinds(run)) == (Decision.INCOMPLETE, ["missing"])


def test_a_part_passed_when_nothing_but_the_narrowing_is_in_the_way_of_a_go() -> None:
    part = replace(go(), narrowed="--only load")
    nothing = replace(part, checks=tuple(replace(check, outcome=Outcome.NOT_APPLICABLE) for check in part.checks))
    unseen = replace(part, checks=tuple(replace(check, outcome=Outcome.UNVERIFIED) for check in part.checks))
    cut = replace(part, sealed=False)
    found = [part_passed(decide(run, TODAY)) for run in (part, go(), nothing, unseen, cut)]
    assert found == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"sealed": False}, "lane"),
        ({"narrowed": "-k deploy"}, "narrowed"),
        ({"narrowed": ""}, "narrowed"),
        ({"lanes": (Lane("green", ("load",), sealed=False),)}, "lane"),
        ({"lanes": (Lane("green", ("load",), sealed=True, problems=("suites could not be collected",)),)}, "lane"),
        ({"expected": ("never.ran", *go().expected)}, "missing"),
        ({"checks": go().checks[1:]}, "missing"),
    ],
)
def test_what_did_not_happen_makes_the_run_incomplete(changes: dict[str, object], kind: str) -> None:
    run = replace(go(), **changes)  # type: ignore[arg-type]
    assert (decision(run), kinds(run)) == (Decision.INCOMPLETE, [kind])
    failing = replace(run, checks=(*run.checks, bad(Outcome.FAILED)))
    assert decision(failing) is Decision.NO_GO


def test_a_pass_with_too_few_observations_is_unverified() -> None:
    run = with_check(go(), "deployment.identity", observations=2, minimum=3)
    assert (decision(run), kinds(run)) == (Decision.INCOMPLETE, ["unverified"])
    assert "only 2 of at least 3" in decide(run, TODAY).blockers[0].summary


def test_a_minimum_of_zero_still_wants_one_observation() -> None:
    assert decision(with_check(go(), "deployment.identity", observations=0, minimum=0)) is Decision.INCOMPLETE


@pytest.mark.parametrize(
    ("value", "direction"), [(30.0001, "max"), (float("nan"), "max"), (29.9, "min"), (float("nan"), "min")]
)
def test_a_pass_whose_measurement_breaks_its_limit_failed(value: float, direction: str) -> None:
    worst = Measurement("worst", value, "s", 30.0, "max" if direction == "max" else "min")
    run = with_check(go(), "deployment.identity", measurements=(worst,))
    (blocker,) = decide(run, TODAY).blockers
    assert (decision(run), blocker.kind, blocker.limit, blocker.unit) == (Decision.NO_GO, "failed", 30.0, "s")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNVERIFIED])
def test_an_advisory_check_never_blocks(outcome: Outcome) -> None:
    run = replace(go(), checks=(*go().checks, bad(outcome, required=False)))
    verdict = decide(run, TODAY)
    assert (verdict.decision, verdict.counts["advisory"]) == (Decision.GO, 1)


def waiver(outcome: str = "failed", expires: str = "2026-11-23") -> Waiver:
    return Waiver("extra.check", "failed" if outcome == "failed" else "unverified", "r", "A. Ng", "C. Ruiz", expires)


@pytest.mark.parametrize(
    ("outcome", "held", "expected", "kind"),
    [
        (Outcome.FAILED, waiver(), Decision.GO, []),
        (Outcome.UNVERIFIED, waiver("unverified"), Decision.GO, []),
        (Outcome.UNVERIFIED, waiver("failed"), Decision.INCOMPLETE, ["unverified"]),
        (Outcome.FAILED, waiver("unverified"), Decision.NO_GO, ["failed"]),
        (Outcome.FAILED, waiver(expires="2026-11-22"), Decision.NO_GO, ["waiver"]),
        (Outcome.FAILED, waiver(expires="next year"), Decision.NO_GO, ["waiver"]),
        (Outcome.UNVERIFIED, waiver("failed", "2026-11-22"), Decision.NO_GO, ["waiver", "unverified"]),
        (Outcome.PASSED, waiver(), Decision.NO_GO, ["waiver"]),
        (Outcome.NOT_APPLICABLE, waiver(), Decision.NO_GO, ["waiver"]),
    ],
)
def test_waivers(outcome: Outcome, held: Waiver, expected: Decision, kind: list[str]) -> None:
    run = replace(go(), checks=(*go().checks, bad(outcome, waiver=held)))
    assert (decision(run), kinds(run)) == (expected, kind)


def test_a_waiver_ends_the_day_after_its_last() -> None:
    run = replace(go(), checks=(*go().checks, bad(Outcome.FAILED, waiver=waiver())))
    assert decide(run, date(2026, 11, 23)).decision is Decision.GO
    assert decide(run, date(2026, 11, 24)).decision is Decision.NO_GO


def test_an_unused_waiver_blocks_except_where_nobody_could_use_it() -> None:
    run = replace(go(), unused_waivers=(waiver(),))
    assert (decision(run), kinds(run)) == (Decision.NO_GO, ["waiver"])
    assert decision(replace(run, narrowed="--only load")) is Decision.INCOMPLETE
    assert decision(replace(run, sealed=False)) is Decision.INCOMPLETE
    assert decision(replace(run, checks=(*run.checks, bad(Outcome.UNVERIFIED)))) is Decision.INCOMPLETE
    assert decision(replace(run, expected=("extra.check", *run.expected))) is Decision.INCOMPLETE
    assert decision(replace(run, narrowed="-k x", unused_waivers=(waiver(expires="2026-01-01"),))) is Decision.NO_GO


@given(run=runs, check=checks)
def test_a_bad_required_check_never_improves_the_decision(run: Run, check: CheckResult) -> None:
    worse = replace(check, id="new.check", required=True, waiver=None)
    for outcome in (Outcome.FAILED, Outcome.UNVERIFIED):
        after = decision(replace(run, checks=(*run.checks, replace(worse, outcome=outcome))))
        assert RANK[after] <= RANK[decision(run)]
        assert after is not Decision.GO


@given(run=runs)
def test_what_is_missing_narrowed_or_cut_off_never_improves_the_decision(run: Run) -> None:
    before = RANK[decision(run)]
    for after in (
        replace(run, expected=(*run.expected, "never.ran")),
        replace(run, narrowed="-k", unused_waivers=()),
        replace(run, sealed=False),
        replace(run, lanes=(*run.lanes, Lane("crashed", ()))),
    ):
        assert RANK[decision(after)] <= min(before, RANK[Decision.INCOMPLETE])


@given(run=runs, check=checks)
def test_an_advisory_check_without_waiver_changes_no_decision(run: Run, check: CheckResult) -> None:
    advisory = replace(check, id="new.check", required=False, waiver=None)
    assert decision(replace(run, checks=(*run.checks, advisory))) is decision(run)


@given(run=runs)
def test_go_means_that_every_required_check_is_established(run: Run) -> None:
    verdict = decide(run, TODAY)
    assert (verdict.decision is Decision.GO) == (not verdict.blockers)
    if verdict.decision is Decision.GO:
        assert run.sealed
        assert run.narrowed is None
        assert all(lane.sealed for lane in run.lanes)
        assert set(run.expected) <= {check.id for check in run.checks}
        for check in run.checks:
            assert not check.required or judged(check) in (Outcome.PASSED, Outcome.NOT_APPLICABLE) or check.waiver
        assert any(check.required and judged(check) is Outcome.PASSED for check in run.checks)


@given(run=runs)
def test_counts_reconcile(run: Run) -> None:
    verdict = decide(run, TODAY)
    assert sum(verdict.counts[name] for name in COUNTED) == verdict.counts["total"]
    assert verdict.counts["total"] == len(run.checks) + len(set(run.expected) - {check.id for check in run.checks})
    assert verdict.counts["blockers"] == len(verdict.blockers)


@given(run=runs, days=st.integers(0, 400))
def test_time_alone_never_improves_a_decision(run: Run, days: int) -> None:
    assert RANK[decide(run, TODAY + timedelta(days)).decision] <= RANK[decision(run)]


def test_every_blocker_says_who_acts_and_how() -> None:
    def complete(blocker: Blocker) -> bool:
        return bool(blocker.summary and blocker.fix and blocker.owner)

    assert all(complete(blocker) for blocker in decide(no_go(), TODAY).blockers)


def test_whoever_cut_a_run_off_is_told_to_run_it_again_and_to_mend_nothing_that_is_whole() -> None:
    check = Check("load.a", "t", "w", "f", (), (), 1, ())
    reasons = {
        "load.a": LaneProcess(None, None, asked=True).why_missing(check),  # type: ignore[arg-type]
        "load.b": NOT_REACHED,
        "load.c": judge(check, (Seen("setup", "passed"),), 0, ())[1],
        "load.d": "the list of vulnerabilities does not answer",
    }
    unseen = tuple(replace(bad(Outcome.UNVERIFIED), id=name, reason=reason) for name, reason in reasons.items())
    lanes = (Lane("blue", ("load",), "now", problems=("line 3 of its findings cannot be read",)),)
    run = replace(go(), checks=(*go().checks, *unseen), lanes=lanes, sealed=False)
    fixes = [blocker.fix for blocker in decide(run, TODAY).blockers]
    assert fixes == [
        *(f"run again: readygate run --check load.{name}" for name in "abc"),
        "mend what kept it from finding out, then: readygate run --check load.d",
        "run again: readygate run",
        "run again: readygate run",
        "mend what it says, then: readygate run",
    ]
    whole = [blocker.fix for blocker in decide(replace(run, sealed=True), TODAY).blockers]
    assert not [fix for fix in whole if fix.startswith("run again")]


def test_the_exit_status_follows_the_decision_and_has_a_sentence() -> None:
    assert [int(ExitStatus.of(item)) for item in (Decision.GO, Decision.NO_GO, Decision.INCOMPLETE)] == [0, 1, 4]
    assert sorted(ExitStatus) == [0, 1, 2, 3, 4, 5, 130, 143]
    assert all(status.sentence.endswith(".") for status in ExitStatus)
    assert ExitStatus(4) is ExitStatus.INCOMPLETE
