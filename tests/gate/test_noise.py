"""Noise: enough samples tell, few do not, and the false alarms are as few as is promised."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate import noise


def judged(before: list[float], now: list[float], *, higher_is_worse: bool = True) -> str:
    return noise.of_samples(before, now).judged(sorted(before)[len(before) // 2], higher_is_worse=higher_is_worse)[0]


def test_too_few_samples_never_tell_however_far_apart() -> None:
    assert noise.fewest() == 6
    for n in range(1, 6):
        assert judged([1.0] * n, [1000.0] * n) == "cannot tell"
    assert judged([1.0 + i / 100 for i in range(6)], [2.0 + i / 100 for i in range(6)]) == "worse"


@pytest.mark.parametrize(
    ("shift", "direction", "said"),
    [(1.5, True, "worse"), (1.5, False, "better"), (0.5, True, "better"), (0.5, False, "worse"), (1.0, True, "not worse")],
)  # fmt: skip
def test_what_a_shift_is_called(shift: float, direction: bool, said: str) -> None:  # noqa: FBT001
    before = [10 + i * 0.02 for i in range(20)]
    assert judged(before, [value * shift for value in before], higher_is_worse=direction) == said


def test_a_certain_change_that_matters_to_nobody_is_none() -> None:
    before = [10 + i * 0.001 for i in range(20)]
    assert judged(before, [value * 1.03 for value in before]) == "not worse"


def test_noise_around_the_margin_cannot_be_told_and_says_what_it_would_take() -> None:
    dice = random.Random(1)
    before, now = ([dice.gauss(mean, 1.5) for _ in range(12)] for mean in (10, 10.5))
    said, needed = noise.of_samples(before, now).judged(10, higher_is_worse=True)
    assert said == "cannot tell"
    assert needed is not None
    assert needed > 12


def test_false_alarms_are_as_rare_as_promised() -> None:
    dice = random.Random(7)
    said = Counter(
        judged([dice.lognormvariate(0, 0.5) for _ in range(8)], [dice.lognormvariate(0, 0.5) for _ in range(8)])
        for _ in range(1000)
    )
    assert said["worse"] + said["better"] <= 1000 * noise.ERROR * 3
    assert said["cannot tell"] > 500


def test_false_alarms_among_runs_too() -> None:
    dice = random.Random(11)
    said = Counter(
        noise.of_runs([dice.gauss(20, 2) for _ in range(6)], dice.gauss(20, 2)).judged(20, higher_is_worse=True)[0]
        for _ in range(2000)
    )
    assert said["worse"] + said["better"] <= 2000 * noise.ERROR * 3
    assert noise.of_runs([20, 21, 19, 20, 20.5], 60).judged(20, higher_is_worse=True)[0] == "worse"


def test_three_earlier_runs_do_not_tell() -> None:
    assert noise.of_runs([20, 20, 20], 60).judged(20, higher_is_worse=True)[0] == "cannot tell"
    assert noise.of_runs([20, 20, 20, 20], 60).judged(20, higher_is_worse=True)[0] == "worse"


def test_nothing_before_and_nothing_now_is_not_worse_but_something_after_nothing_cannot_be_told() -> None:
    assert noise.of_runs([0.0] * 5, 0.0).judged(0, higher_is_worse=True)[0] == "not worse"
    assert judged([0.0] * 9, [0.0] * 9) == "not worse"


@given(st.integers(1, 4), st.integers(1, 4))
def test_the_distribution_is_that_of_all_orders(fewer: int, more: int) -> None:
    fewer, more = sorted((fewer, more))
    counted = Counter(
        sum(place - rank for rank, place in enumerate(places))
        for places in itertools.combinations(range(fewer + more), fewer)
    )
    assert noise._ways(fewer, more) == [counted[u] for u in range(fewer * more + 1)]


@pytest.mark.parametrize(("freedom", "t"), list(enumerate(noise._T, 1)))
def test_students_t_is_integrated_anew(freedom: int, t: float) -> None:
    """The area between -t and t, with t = sqrt(df) tan(angle), is the integral of cos^(df-1)."""
    end, steps = math.atan(t / math.sqrt(freedom)), 2000
    scale = math.gamma((freedom + 1) / 2) / (math.sqrt(math.pi) * math.gamma(freedom / 2))
    heights = [math.cos(end * step / steps) ** (freedom - 1) for step in range(steps + 1)]
    area = 2 * scale * end / steps * (sum(heights) - (heights[0] + heights[-1]) / 2)
    assert 1 - area == pytest.approx(noise.ERROR, rel=2e-3)
