"""Which checks run one after the other on one stack, and which run beside them on another."""

from __future__ import annotations

from collections.abc import Iterable

from gate.model import Run

# Two lanes, because the smallest machine that counts has two cores. With three, 1.8 cores were busy (measured over 20 s),
# two thirds of that the engine's upkeep of so many containers, and everything waited. Each takes about half of the time.
# What comes and goes is judged where the previous release runs; what the candidate does at work, where it runs from the start.
# Backups, what starts by itself again, and an alert's way from Prometheus to whoever is called are of no release: they are
# where there is time for them.
_LANE_OF_AREA = dict.fromkeys(("deployment", "documentation", "rollback"), "release")
_LANE_OF_CHECK = dict.fromkeys(
    (
        "monitoring.dead-man",
        "monitoring.delivery",
        "monitoring.quiet-deployment",
        "monitoring.routing",
        "recovery.archiving-after-crash",
        "recovery.backup-integrity",
        "recovery.data-loss",
        "recovery.encryption",
        "recovery.export",
        "recovery.point-in-time",
        "recovery.restore",
        "recovery.retention",
        "recovery.runbook",
        "recovery.whole-loss",
    ),
    "release",
) | dict.fromkeys(
    ("deployment.cold-start", "deployment.drain", "deployment.health-check", "deployment.image-provenance"), "operation"
)
_OTHERS = "operation"
_FIRST = "deployment.cold-start"  # whose first job is that of a new system
# In a lane these areas come after all others, in this order: access submits jobs of which the gate keeps no book, so it comes
# after recovery.job-account; load finds the system as it is after all that was done to it.
_LAST = ("access", "load")


def assign(checks: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Lane -> ids of its checks, lanes without checks left out."""
    lanes: dict[str, list[str]] = {}
    for check in checks:
        lane = _LANE_OF_CHECK.get(check) or _LANE_OF_AREA.get(check.split(".", 1)[0], _OTHERS)
        lanes.setdefault(lane, []).append(check)
    return {lane: tuple(ids) for lane, ids in sorted(lanes.items(), reverse=True)}


def on_candidate(checks: Iterable[str]) -> bool:
    """Whether a lane of these checks judges the candidate at work, and not how it comes and goes."""
    return tuple(assign(checks)) == (_OTHERS,)


def turn(check: str) -> int:
    """When a check comes in its lane: the least first, equal ones as the suites have them."""
    if check == _FIRST:
        return -1
    area = check.split(".", 1)[0]
    return _LAST.index(area) + 1 if area in _LAST else 0


def held(run: Run) -> dict[str, tuple[str, ...]]:
    """Lane -> ids of the checks that it had in this run. Before schema 1.3 none says; then today's are taken."""
    told = {lane.name: lane.checks for lane in run.lanes if lane.checks}
    return told or assign(run.expected)
