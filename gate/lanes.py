"""Which checks run one after the other on one stack, and which run beside them on another."""

from __future__ import annotations

from collections.abc import Iterable

# Two lanes, because the smallest machine that counts has two cores. Each takes about half of the time.
_LANE_OF_AREA = {"deployment": "release", "rollback": "release"}
_LANE_OF_CHECK = {"deployment.self-healing": "operation"}
_OTHERS = "operation"


def assign(checks: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Lane -> ids of its checks, lanes without checks left out."""
    lanes: dict[str, list[str]] = {}
    for check in checks:
        lane = _LANE_OF_CHECK.get(check) or _LANE_OF_AREA.get(check.split(".", 1)[0], _OTHERS)
        lanes.setdefault(lane, []).append(check)
    return {lane: tuple(ids) for lane, ids in sorted(lanes.items(), reverse=True)}
