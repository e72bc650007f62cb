"""The seven completion criteria: each decided by its own blockers, none by its absence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from gate.areas import AREAS
from gate.criteria import ASKED, TITLES, criteria
from gate.model import Decision, Outcome, Run
from tests.gate.strategies import runs
from tests.reports.factory import control, go, incomplete, judge, no_go, passed


def decisions(run: Run) -> dict[str, Decision | None]:
    return {each.id: each.decision for each in criteria(*judge(run))}


def whole() -> Run:
    """Return a run that looked at everything that the handoff asks for."""
    ids = [pattern.replace("*", "x") for asked in ASKED.values() for pattern in asked.values()]
    return replace(go(), checks=tuple(passed(id_, "t") for id_ in ids), expected=tuple(ids), controls=())


def test_every_area_belongs_to_exactly_one_of_seven() -> None:
    assert sorted(area for _, areas in TITLES.values() for area in areas) == sorted(AREAS)
    assert len(TITLES) == 7


@pytest.mark.parametrize(
    ("run", "deployment", "recovery"),
    [
        (whole(), Decision.GO, Decision.GO),
        (go(), Decision.INCOMPLETE, Decision.INCOMPLETE),  # of what is asked it holds a part
        (incomplete(), Decision.INCOMPLETE, Decision.INCOMPLETE),
        (no_go(), Decision.NO_GO, Decision.INCOMPLETE),
        (replace(go(), checks=()), Decision.INCOMPLETE, Decision.INCOMPLETE),
    ],
)
def test_a_criterion_has_the_decision_of_its_blockers(run: Run, deployment: Decision, recovery: Decision) -> None:
    found = decisions(run)
    assert (found["deployment"], found["recovery"]) == (deployment, recovery)


def test_a_criterion_without_a_check_that_applies_is_not_decided() -> None:
    absent = replace(go(), checks=tuple(replace(check, outcome=Outcome.NOT_APPLICABLE) for check in go().checks))
    assert decisions(go())["documentation"] is None
    assert decisions(absent)["performance"] is None


def test_an_area_that_was_only_begun_is_no_go_ahead() -> None:
    run, verdict = judge(go())
    assert verdict.decision is Decision.GO
    found = {each.id: each for each in criteria(run, verdict)}
    assert found["recovery"].wanting == ("backups", "a restore", "the loss of everything")
    assert (found["recovery"].passed, found["recovery"].total) == (1, 1)


@pytest.mark.parametrize("pattern", [pattern for asked in ASKED.values() for pattern in asked.values()])
def test_whatever_was_not_looked_at_keeps_its_criterion_from_go(pattern: str) -> None:
    left = tuple(check for check in whole().checks if check.id != pattern.replace("*", "x"))
    run = replace(whole(), checks=left, expected=tuple(check.id for check in left))
    short = [each for each in criteria(*judge(run)) if each.decision is not Decision.GO]
    assert [len(each.wanting) for each in short] == [1]


def test_a_criterion_of_which_a_narrowed_run_took_a_part_is_no_go_ahead_though_all_that_is_asked_by_name_is_there() -> (
    None
):
    part = replace(whole(), narrowed="--check", left_out=("load.ledger", "load.spike", "other.check"))
    found = {each.id: each for each in criteria(*judge(part))}
    assert (found["performance"].decision, found["performance"].wanting) == (
        Decision.INCOMPLETE,
        ("2 of its 5 checks",),
    )
    assert found["recovery"].decision is Decision.GO
    others = tuple(check for check in part.checks if check.area != "load")
    nothing = replace(part, checks=others, expected=tuple(check.id for check in others))
    (untouched,) = (each for each in criteria(*judge(nothing)) if each.id == "performance")
    assert (untouched.decision, len(untouched.wanting)) == (None, 3)


def test_what_the_owner_declared_absent_was_looked_at() -> None:
    checks = (
        replace(check, outcome=Outcome.NOT_APPLICABLE) if check.id == "load.stressx" else check
        for check in whole().checks
    )
    assert decisions(replace(whole(), checks=tuple(checks)))["performance"] is Decision.GO


@pytest.mark.parametrize("narrowed", [None, "--only security,access"])
@pytest.mark.parametrize("checks", [(), ("load.elsewhere",)], ids=["missing", "left out"])
def test_a_control_that_nothing_verifies_keeps_security_from_go(checks: tuple[str, ...], narrowed: str | None) -> None:
    run = replace(whole(), controls=(control("C99", "t", "f", {}, *checks),), narrowed=narrowed)
    (found,) = (each for each in criteria(*judge(run)) if each.id == "security")
    assert (found.decision, found.wanting) == (Decision.INCOMPLETE, ("1 of 1 security controls",))


def test_waived_is_not_passed() -> None:
    found = {each.id: (each.passed, each.waived, each.total) for each in criteria(*judge(incomplete()))}
    assert found["configuration"] == (0, 1, 1)
    assert found["deployment"] == (6, 0, 6)


@given(run=runs)
def test_no_criterion_is_better_than_its_blockers_allow(run: Run) -> None:
    run, verdict = judge(run)
    for each in criteria(run, verdict):
        mine = [blocker for blocker in verdict.blockers if blocker.check.split(".")[0] in each.areas]
        assert each.decision is not Decision.GO or not mine
        assert each.passed + each.waived <= each.total
