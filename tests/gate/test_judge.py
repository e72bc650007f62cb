"""The judge, exhaustively: only three phases that all passed, with enough observations and every limit kept, are a pass."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from gate.judge import How, Phase, Seen, judge, merged
from gate.model import CheckResult, Measurement, Moment, Outcome
from tests.gate.bench import expected

PHASES = get_args(Phase)
HOWS = (*get_args(How), None)  # None: the phase was never seen
KEPT = Measurement("m", 1, "s", 2)
BROKEN = Measurement("m", 3, "s", 2)


@pytest.mark.parametrize("observations", [0, 1, 2, 3])
@pytest.mark.parametrize("measurements", [(), (KEPT,), (KEPT, BROKEN)])
def test_every_combination(observations, measurements):
    check = expected("recovery.x", minimum=2)
    for hows in product(HOWS, repeat=3):
        seen = tuple(Seen(phase, how, "said") for phase, how in zip(PHASES, hows, strict=True) if how)
        outcome, reason = judge(check, seen, observations, measurements)
        if hows[1] == "assertion" or BROKEN in measurements:
            assert outcome is Outcome.FAILED, hows
        elif set(hows) == {"passed"} and observations >= 2:
            assert (outcome, reason) == (Outcome.PASSED, "")
        else:
            assert outcome is Outcome.UNVERIFIED, hows
        assert bool(reason) == (outcome is not Outcome.PASSED)


@pytest.mark.parametrize("how", [how for how in get_args(How) if how != "passed"])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("last", [True, False])
def test_of_a_phase_seen_several_times_the_worst_counts(phase, how, last):
    seen = [Seen(each, "passed") for each in PHASES]
    seen.insert(len(seen) if last else 0, Seen(phase, how, "said"))
    assert judge(expected("recovery.x"), tuple(seen), 9, ())[0] is not Outcome.PASSED


def test_a_limit_of_the_other_direction_and_its_sentence():
    slow = Measurement("rate", 3.5, "jobs/s", 4, direction="min", n=7)
    _, reason = judge(expected("recovery.x"), tuple(Seen(phase, "passed") for phase in PHASES), 9, (slow,))
    assert reason == "rate: 3.5 jobs/s (worst of 7), must be at least 4 jobs/s"


ORDER = [Outcome.FAILED, Outcome.UNVERIFIED, Outcome.NOT_APPLICABLE, Outcome.PASSED]


@pytest.mark.parametrize(("one", "other"), list(product(ORDER, repeat=2)))
def test_of_two_results_the_worse_stays_with_its_reason_and_all_evidence(one, other):
    def result(outcome: Outcome, at: float) -> CheckResult:
        return CheckResult(
            "recovery.x",
            "t",
            "w",
            "f",
            required=True,
            outcome=outcome,
            reason=outcome.value,
            observations=2,
            seconds=1,
            values={"n": outcome.value, outcome.value: 1},
            measurements=(KEPT,),
            timeline=(Moment(at, "k", "l"),),
        )

    both = merged(result(one, 2), result(other, 1))
    worse = min(one, other, key=ORDER.index)
    assert (both.outcome, both.reason, both.values["n"]) == (worse, worse.value, worse.value)
    assert (both.observations, both.seconds, len(both.measurements)) == (4, 2, 2)
    assert [moment.t for moment in both.timeline] == [1, 2]
