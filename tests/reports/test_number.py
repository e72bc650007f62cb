"""Numbers: two that differ never look the same beside each other, and headroom says what is left."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model import Measurement
from reports.number import duration, headroom, headroom_text, number, pair, quantity

finite = st.floats(allow_nan=False, allow_infinity=False)


def shown(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


@given(measured=finite, limit=finite)
def test_measured_and_limit_look_different_when_they_are(measured: float, limit: float) -> None:
    texts = pair(measured, limit)
    assert (texts[0] == texts[1]) == (measured == limit)


@given(base=st.floats(1e-5, 1e12), steps=st.integers(1, 3))
def test_neighbouring_numbers_are_told_apart_and_keep_their_order(base: float, steps: int) -> None:
    above = base
    for _ in range(steps):
        above = math.nextafter(above, math.inf)
    low, high = pair(base, above)
    assert low != high
    assert shown(low) <= shown(high)


@given(measured=finite, limit=finite)
def test_what_is_shown_never_contradicts_the_verdict(measured: float, limit: float) -> None:
    left, right = map(shown, pair(measured, limit))
    assert (left <= right) == (measured <= limit)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (1800.0, "1,800"), (38.24, "38.2"), (0.9951, "0.995"), (-5.0, "−5"), (1234567.8, "1,234,568"),
        (1e-9, "1e−09"), (math.nan, "not a number"), (math.inf, "∞"), (-math.inf, "−∞"), (100.0, "100"),
    ],
)  # fmt: skip
def test_number(value: float, text: str) -> None:
    assert number(value) == text


def test_known_pairs() -> None:
    assert pair(0.9951, 0.995) == ("0.9951", "0.995")
    assert pair(30.0, 30.0) == ("30", "30")
    assert pair(1800.4, 1800.0) == ("1,800.4", "1,800")
    assert pair(1e6 / 3, 1e6) == ("333,333", "1,000,000")
    assert quantity("3", "1") == "3"
    assert [duration(seconds) for seconds in (2.4, 59.9999, 224.0, 4000.0)] == [
        "2.4 s",
        "60 s",
        "3 min 44 s",
        "1 h 06 min",
    ]


@pytest.mark.parametrize(
    ("value", "limit", "direction", "text"),
    [
        (20.0, 25.0, "max", "20 % left"), (94.0, 30.0, "max", "213 % over"), (99.0, 90.0, "min", "10 % left"),
        (45.0, 90.0, "min", "50 % short"), (0.0, 0.0, "max", "none allowed"), (1.0, 0.0, "max", "none allowed"),
        (math.nan, 3.0, "max", "–"), (1.0, math.inf, "max", "–"), (1.0, 0.0, "min", "–"),
    ],
)  # fmt: skip
def test_headroom(value: float, limit: float, direction: str, text: str) -> None:
    measurement = Measurement("m", value, "s", limit, "max" if direction == "max" else "min")
    assert headroom_text(measurement) == text
    share = headroom(measurement)
    assert share is None or (share >= 0) == measurement.kept
