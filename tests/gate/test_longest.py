"""The longest way is that of the lane that ended last, and its times add up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate import lanes, longest
from gate.model import Lane
from tests.reports.factory import go


def test_the_lane_that_took_longest_with_its_longest_stages() -> None:
    run = go()
    ids = [check.id for check in run.checks]
    assigned = lanes.assign(ids)
    checks = tuple(replace(check, seconds=float(10 * n)) for n, check in enumerate(run.checks))
    made = tuple(
        Lane(
            name, (), seconds=sum(c.seconds for c in checks if c.id in mine) + 100.0, phases=(("stack: create", 12.0),)
        )
        for name, mine in assigned.items()
    )
    way = longest.longest(replace(run, checks=checks, lanes=made, expected=tuple(ids)))
    assert way
    slowest = max(made, key=lambda lane: lane.seconds)
    assert (way.lane, way.seconds) == (slowest.name, slowest.seconds)
    assert list(way.stages) == sorted(way.stages, key=lambda stage: -stage.seconds)
    assert sum(stage.seconds for stage in way.stages) + way.others == pytest.approx(way.seconds)
    mine = set(assigned[way.lane])
    assert {stage.name for stage in way.stages} <= mine | {"stack: create"}


def test_the_start_of_a_stack_is_not_counted_again_in_the_check_that_asked_for_it() -> None:
    base = go()
    ids = [check.id for check in base.checks][:3]
    name = next(lane for lane, mine in lanes.assign(ids).items() if ids[0] in mine)
    mine = [each for each in ids if each in lanes.assign(ids)[name]]
    times = {each: (f"2026-01-01T00:00:0{n}", 20.0 - n) for n, each in enumerate(mine)}
    checks = tuple(replace(c, started=times[c.id][0], seconds=times[c.id][1]) for c in base.checks if c.id in times)
    made = Lane(name, (), seconds=100.0, phases=(("create", 5.0), ("ready", 7.0)))
    way = longest.longest(replace(base, checks=checks, lanes=(made,), expected=tuple(ids)))
    assert way
    assert {s.name: s.seconds for s in way.stages}[mine[0]] == 8.0
    assert sum(stage.seconds for stage in way.stages) + way.others == 100.0


def test_it_is_said_in_minutes_and_seconds() -> None:
    way = longest.Way(
        "release", 1022.4, (longest.Stage("stack: create", 2.94), longest.Stage("rollback.time", 183.0)), 836.4
    )
    assert str(way) == "release 17 min 02 s: stack: create 2.9 s, rollback.time 3 min 03 s, the rest 13 min 56 s"


def test_a_run_without_lanes_has_none() -> None:
    assert longest.longest(replace(go(), lanes=())) is None
    assert longest.longest(replace(go(), lanes=(Lane("release", ()),))) is None
