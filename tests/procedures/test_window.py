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
    ("window", "old", "verdict", "said"),
    [
        (Counters(), Counters(), "not judged", "not enough traffic to judge: 0 requests"),
        (answered(29, errors=29), Counters(), "not judged", "not enough traffic"),
        (Counters(100, 0), Counters(), "not judged", "not enough traffic"),
        (answered(200), Counters(), "good", "0 of 200"),
        (answered(200, errors=2), Counters(), "good", "2 of 200"),
        (answered(200, errors=3), Counters(), "bad", "3 of 200 requests failed"),
        (
            answered(200, within=math.inf),
            Counters(),
            "bad",
            "half of 200 requests took 1000 ms or longer, more than 800",
        ),
        (answered(200, within=math.inf), answered(50, within=0.01), "bad", "more than 800 ms"),
        (answered(200, within=math.inf), answered(50, within=0.5), "good", "half within"),
        (answered(200, within=0.5), answered(50, within=0.01), "good", "half within"),
    ],
    ids=lambda value: None if isinstance(value, Counters) else value,
)
def test_a_release_is_judged_by_errors_and_latency(window: Counters, old: Counters, verdict: str, said: str) -> None:
    judgement = judge(window, old, SETTINGS, tail=True)
    assert judgement.verdict == verdict
    assert said in judgement.reason


@pytest.mark.parametrize(("tail", "verdict"), [(True, "bad"), (False, "good")])
def test_the_slowest_twentieth_condemns_over_the_whole_bake_only(tail: bool, verdict: str) -> None:  # noqa: FBT001
    window = Counters(200, 0, ((0.05, 180.0), (1.0, 185.0), (10.0, 200.0), (math.inf, 200.0)))
    judgement = judge(window, answered(50), SETTINGS, tail=tail)
    assert judgement.verdict == verdict
    assert ("5 % of 200 requests" in judgement.reason) is tail


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
    assert Counters(100, 0, within).within_ms(0.95) == (None if expected is None else pytest.approx(expected))


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
