"""Which checks run one after the other on one stack, and which run beside them on another."""

from __future__ import annotations

from collections.abc import Iterable

# Three lanes: deployments mostly wait (for readiness, canary jobs, bakes), so that two cores carry three of them.
# What is released well, what must be refused, and everything else take about a third of the time each (measured on
# two cores: 400, 370 and 300 s).
_LANE_OF_AREA = {"deployment": "release", "rollback": "release"}
_LANE_OF_CHECK = {
    "deployment.self-healing": "operation",
    "deployment.drain": "operation",
    "deployment.start-order": "operation",
    "deployment.identity": "operation",
    "deployment.record": "operation",
    "rollback.missing-release": "operation",
    "deployment.unhealthy-release": "refusal",
    "deployment.crashing-worker": "refusal",
    "deployment.failing-migration": "refusal",
    "deployment.erroring-release": "refusal",
    "deployment.slow-release": "refusal",
    "deployment.interrupted-deploy": "refusal",
    "deployment.lock": "refusal",
    "rollback.automatic": "refusal",
}
_OTHERS = "operation"


def assign(checks: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Lane -> ids of its checks, lanes without checks left out."""
    lanes: dict[str, list[str]] = {}
    for check in checks:
        lane = _LANE_OF_CHECK.get(check) or _LANE_OF_AREA.get(check.split(".", 1)[0], _OTHERS)
        lanes.setdefault(lane, []).append(check)
    return {lane: tuple(ids) for lane, ids in sorted(lanes.items(), reverse=True)}
