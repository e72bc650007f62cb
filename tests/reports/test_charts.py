"""Charts: a broken limit is hatched, no spike is lost, nothing odd breaks the drawing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model import Measurement, Moment, Series
from reports.charts import COLUMNS, bar, letter, reduced, timeline
from tests.reports import hostile
from tests.reports.page import xml


@pytest.mark.parametrize(
    ("value", "limit", "direction", "hatched"),
    [(10.0, 30.0, "max", False), (94.0, 30.0, "max", True), (10.0, 30.0, "min", True), (94.0, 30.0, "min", False)],
)
def test_a_broken_limit_is_hatched(value: float, limit: float, direction: str, hatched: bool) -> None:  # noqa: FBT001
    drawn = bar(Measurement("m", value, "s", limit, "max" if direction == "max" else "min"))
    assert ("url(#hatch)" in drawn) is hatched
    assert "var(" not in drawn


@pytest.mark.parametrize(("value", "limit"), [(1.0, 0.0), (math.nan, 3.0), (1.0, math.inf), (-1.0, 3.0), (1.0, None)])
def test_no_bar_where_it_would_mislead(value: float, limit: float | None) -> None:
    assert bar(Measurement("m", value, "s", limit)) == ""


@given(st.lists(st.tuples(st.floats(0, 900), st.floats(-1e6, 1e6)), min_size=1, max_size=30))
def test_reducing_keeps_the_extremes(some: list[tuple[float, float]]) -> None:
    points = [(t, value + copy) for copy in range(2 * COLUMNS + 1) for t, value in some]
    kept = reduced(points, 0.0, 900.0)
    values = [value for _, value in points]
    assert len(kept) <= 2 * COLUMNS
    assert set(kept) <= set(points)
    assert {min(values), max(values)} <= {value for _, value in kept}


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(numbers, numbers), max_size=5), st.lists(numbers, max_size=3))
def test_any_numbers_make_a_drawing_or_none(points: list[tuple[float, float]], moments: list[float]) -> None:
    drawn = timeline((Series("s", "ms", tuple(points)),), [Moment(t, "k", "l") for t in moments])
    assert drawn == "" or ("nan" not in drawn and "inf" not in drawn and xml(drawn).tag == "svg")


def test_points_beyond_all_sense_are_left_out() -> None:
    far = tuple((1e308 * (-1) ** number, 1e308 * (-1) ** number) for number in range(3 * COLUMNS))
    drawn = timeline((Series("s", "ms", (*far, (0.0, 1.0), (2.0, 3.0))),), ())
    assert "1 to 3 ms, 2 points" in drawn
    assert timeline((Series("s", "ms", far),), ()) == ""


def test_a_hostile_name_stays_text() -> None:
    drawn = timeline((Series(hostile.MARKUP, hostile.TERMINAL, ((0.0, 1.0), (1.0, 2.0))),), ())
    assert {each.tag for each in xml(drawn).iter()} == {"svg", "text", "path"}


def test_letters() -> None:
    assert [letter(index) for index in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]
