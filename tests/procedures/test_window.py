"""The bake: what counts as bad, what as good, and what nobody can judge."""

from __future__ import annotations

import json
import math

import pytest

from procedures import bake
from procedures.refusal import StepFailed
from procedures.settings import Settings
from procedures.window import Counters, judge

SETTINGS = Settings()


def answered(requests: int, *, errors: int = 0, within: float = 0.05) -> Counters:
    bounds = (0.01, 0.05, 0.1, 0.5, 1.0, math.inf)
    return Counters(requests, errors, tuple((bound, requests if bound >= within else 0.0) for bound in bounds))


@pytest.mark.parametrize(
    ("window", "old_p95_ms", "verdict", "said"),
    [
        (Counters(), None, "not judged", "not enough traffic to judge: 0 requests"),
        (answered(29, errors=29), None, "not judged", "not enough traffic"),
        (Counters(100, 0), None, "not judged", "not enough traffic"),
        (answered(200), None, "good", "0 of 200"),
        (answered(200, errors=2), None, "good", "2 of 200"),
        (answered(200, errors=3), None, "bad", "3 of 200 requests failed"),
        (answered(200, within=1.0), None, "bad", "more than 750 ms"),
        (answered(200, within=0.5), 20.0, "bad", "the old release: 20 ms"),
        (answered(200, within=0.5), 200.0, "good", "within"),
        (answered(200, within=0.1), 1.0, "good", "within"),
    ],
)
def test_a_release_is_judged_by_errors_and_latency(
    window: Counters, old_p95_ms: float | None, verdict: str, said: str
) -> None:
    judgement = judge(window, old_p95_ms, SETTINGS)
    assert judgement.verdict == verdict
    assert said in judgement.reason


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ((), None),
        (((0.1, 0.0), (math.inf, 0.0)), None),
        (((0.1, 100.0), (math.inf, 100.0)), 95.0),
        (((0.1, 90.0), (0.2, 100.0), (math.inf, 100.0)), 150.0),
        (((0.1, 0.0), (math.inf, 100.0)), 100.0),
    ],
)
def test_the_95th_percentile_is_interpolated_in_its_bucket(
    within: tuple[tuple[float, float], ...], expected: float | None
) -> None:
    assert Counters(100, 0, within).p95_ms() == (None if expected is None else pytest.approx(expected))


def test_promtools_answer_becomes_counters_of_each_colour() -> None:
    def sample(value: int, **labels: str) -> dict[str, object]:
        return {"metric": labels, "value": [0, str(value)]}

    answer = [
        sample(90, colour="green", status="200"),
        sample(7, colour="green", status="500"),
        sample(3, colour="green", status="503"),
        sample(60, colour="green", le="0.1"),
        sample(100, colour="green", le="+Inf"),
        sample(5, colour="blue", status="202"),
    ]
    found = bake.counters(json.dumps(answer))
    assert found["green"] == Counters(100, 10, ((0.1, 60), (math.inf, 100)))
    assert found["blue"] == Counters(5)
    assert bake.counters("[]") == {}


@pytest.mark.parametrize("answer", ["", "error: no such host", "{}}", '[{"metric": {}, "value": [0, "1"]}]', '["x"]'])
def test_what_prometheus_did_not_say_is_no_zero(answer: str) -> None:
    with pytest.raises(StepFailed):
        bake.counters(answer)
