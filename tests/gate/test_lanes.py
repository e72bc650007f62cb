"""Which lane had a check in a run, also when the lanes are others today."""

from dataclasses import replace

from gate import lanes
from gate.model import Lane
from tests.reports.factory import go


def test_what_a_lane_held_is_what_its_run_says_whatever_the_lanes_are_today() -> None:
    other = replace(go(), lanes=(Lane("only", (), checks=("load.ledger", "rollback.time")),))
    assert lanes.held(other) == {"only": ("load.ledger", "rollback.time")}


def test_of_a_run_that_does_not_say_it_is_taken_from_todays() -> None:
    older = replace(go(), lanes=(Lane("release", ()),))
    assert lanes.held(older) == lanes.assign(older.expected)


def test_what_the_candidate_does_at_work_is_judged_where_it_runs() -> None:
    at_work = ("security.privileges", "access.revocation", "load.ledger", "monitoring.signals", "recovery.worker-loss")
    assert lanes.on_candidate(at_work)
    assert not lanes.on_candidate(("deployment.live-switch", "rollback.time"))
    assert not lanes.on_candidate((*at_work, "rollback.time"))


def test_what_nobody_keeps_a_book_of_and_what_strains_come_last() -> None:
    came = ["access.limits", "load.ledger", "recovery.job-account", "access.revocation", "security.privileges"]
    assert sorted(came, key=lanes.turn) == [
        "recovery.job-account",
        "security.privileges",
        "access.limits",
        "access.revocation",
        "load.ledger",
    ]
    assert lanes.turn("deployment.cold-start") < lanes.turn("configuration.change"), (
        "its first job is the system's first"
    )
