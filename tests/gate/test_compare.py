"""Two runs: what turned, what moved beyond noise, and nothing said where it cannot be known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

from gate.compare import compare, since_past
from gate.model import Change, Earlier, Measurement, Outcome, Run
from tests.gate.strategies import runs
from tests.reports.factory import go, no_go, past, with_check


def timed(*samples: float, check: str = "rollback.time", limit: float | None = 600.0) -> Run:
    middle = sorted(samples)[len(samples) // 2]
    each = Measurement("rollback", max(samples), "s", limit, n=len(samples), median=middle, samples=tuple(samples))
    return with_check(go(), check, measurements=(each,))


def change(before: Run, now: Run) -> Change:
    return next(each for each in compare(before, now).changes if each.measurement == "rollback")


SOME = (30.0, 30.5, 31.0, 31.5, 32.0, 32.5, 33.0)


def test_enough_samples_tell() -> None:
    slower = change(timed(*SOME), timed(*(2 * value for value in SOME)))
    assert (slower.certain, slower.n_needed) == ("worse", None)
    assert slower.effect == pytest.approx(1.0)
    assert change(timed(*(2 * value for value in SOME)), timed(*SOME)).certain == "better"


def test_few_samples_do_not_and_it_says_how_many_would() -> None:
    few = change(timed(30.0, 31.0), timed(300.0, 310.0))
    assert (few.certain, few.n_needed) == ("cannot tell", 6)
    assert change(timed(30.0), timed(30.0)).certain == "cannot tell"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"profile": "release"}, "profile: quick, then release"),
        ({"host": {"cores": 8, "machine": "arm64"}}, "machine: "),
        ({"narrowed": "3 of 13"}, "selection of checks"),
        ({"target": {"name": "other"}}, "system"),
        ({"sealed": False}, "end: reached, then cut off"),
    ],
)
def test_what_was_not_measured_alike_is_not_compared(changed: dict[str, object], word: str) -> None:
    unlike = replace(timed(*(3 * value for value in SOME)), **changed)  # type: ignore[arg-type]
    found = compare(timed(*SOME), unlike)
    assert word in " ".join(found.unlike)
    assert {each.certain for each in found.changes} == {"cannot tell"}
    assert {each.n_needed for each in found.changes} == {None}


def test_turns_name_what_is_not_established_any_more_and_what_is_new() -> None:
    now = with_check(go(), "deployment.identity", outcome=Outcome.UNVERIFIED)
    now = replace(now, checks=now.checks[1:])
    turns = {turn.check: turn for turn in compare(go(), now).turns}
    assert turns["deployment.identity"].worse
    assert turns[go().checks[0].id].now is None
    assert turns[go().checks[0].id].worse
    assert not any(turn.worse for turn in compare(now, go()).turns)


def test_what_a_narrowed_run_left_out_is_no_turn() -> None:
    left, asked = go().checks[0].id, go().checks[1:]
    part = replace(go(), narrowed="all but one", checks=asked, expected=tuple(check.id for check in asked))
    assert compare(go(), part).turns == ()
    assert compare(part, go()).turns == ()
    assert compare(go(), replace(part, expected=(*part.expected, left))).turns[0].check == left


def test_a_run_against_those_before_it() -> None:
    moved = {f"{each.check} {each.measurement}": each.certain for each in no_go().regressions}
    assert moved["deployment.self-healing worst recovery"] == "worse"
    assert moved["rollback.time worst rollback"] == "cannot tell"
    assert no_go().regressions[0].certain == "worse"
    young = since_past(replace(no_go(), past=past(3)))
    assert {each.certain for each in young} == {"cannot tell"}
    assert {each.n_needed for each in young} == {4}


def test_what_has_no_limit_or_no_past_is_not_held_against_anything() -> None:
    assert since_past(go()) == ()
    unlimited = replace(timed(*SOME, limit=None), past=past())
    assert "rollback.time" not in {each.check for each in since_past(unlimited)}


def test_a_number_beyond_all_numbers_is_left_out() -> None:
    odd = with_check(go(), "rollback.time", measurements=(Measurement("rollback", math.nan, "s", 1.0),))
    assert not [each for each in compare(odd, odd).changes if each.check == "rollback.time"]


@settings(max_examples=30)
@given(before=runs, now=runs)
def test_any_two_runs_can_be_compared(before: Run, now: Run) -> None:
    found = compare(before, now)
    assert compare(before, before).turns == ()
    assert all(each.certain == "cannot tell" for each in found.changes)  # one sample each


def test_nothing_is_said_of_what_was_measured_in_another_unit() -> None:
    other = Earlier("r", "", "GO", "", {"rollback.time rollback (s)": 31.5})
    assert since_past(replace(timed(*SOME), past=(other,) * 9))[0].certain == "not worse"
    ms = with_check(go(), "rollback.time", measurements=(Measurement("rollback", 31_000, "ms", 600_000),))
    assert since_past(replace(ms, past=(other,) * 9)) == ()
    assert not [each for each in compare(timed(*SOME), ms).changes if each.check == "rollback.time"]
