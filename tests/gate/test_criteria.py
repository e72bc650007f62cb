"""The seven completion criteria: each decided by its own blockers, none by its absence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from gate.areas import AREAS
from gate.criteria import TITLES, criteria
from gate.model import Decision, Outcome, Run
from tests.gate.strategies import runs
from tests.reports.factory import go, incomplete, judge, no_go


def decisions(run: Run) -> dict[str, Decision | None]:
    return {each.id: each.decision for each in criteria(*judge(run))}


def test_every_area_belongs_to_exactly_one_of_seven() -> None:
    assert sorted(area for _, areas in TITLES.values() for area in areas) == sorted(AREAS)
    assert len(TITLES) == 7


@pytest.mark.parametrize(
    ("run", "deployment", "recovery"),
    [
        (go(), Decision.GO, Decision.GO),
        (incomplete(), Decision.GO, Decision.INCOMPLETE),
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
