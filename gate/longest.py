"""The longest way through a run: which lane everybody waited for, and where its time went. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gate import lanes
from gate.model import Run

SHOWN = 4


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the lane's time, in seconds: a phase of its stack, or a check."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Way:
    """The lane that ended last, its time in seconds and its longest stages; `others` is what the rest of them took."""

    lane: str
    seconds: float
    stages: tuple[Stage, ...]
    others: float

    def __str__(self) -> str:
        shown = [f"{stage.name} {_time(stage.seconds)}" for stage in self.stages]
        return f"{self.lane} {_time(self.seconds)}: {', '.join([*shown, f'the rest {_time(self.others)}'])}"


def longest(run: Run) -> Way | None:
    """The longest way of a run, None of one without a lane that took any time."""
    lane = max(run.lanes, key=lambda each: each.seconds, default=None)
    if lane is None or lane.seconds <= 0:
        return None
    mine = set(lanes.held(run).get(lane.name, ()))
    phases = sum(seconds for _, seconds in lane.phases)
    checks = [check for check in run.checks if check.id in mine]
    # The stack is started by the first check that asks for it, and so within its time.
    asking = [check for check in checks if check.started and check.seconds >= phases]
    first = min(asking, key=lambda check: check.started or "", default=None)
    stages = [Stage(name, seconds) for name, seconds in lane.phases]
    stages += [Stage(check.id, check.seconds - phases if check is first else check.seconds) for check in checks]
    shown = tuple(sorted(stages, key=lambda stage: -stage.seconds)[:SHOWN])
    return Way(lane.name, lane.seconds, shown, max(0.0, lane.seconds - sum(stage.seconds for stage in shown)))


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"
