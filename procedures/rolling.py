"""The rolling strategy: a release comes live within the live colour, one replica at a time, and goes back the same way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from procedures import bake, change
from procedures.bake import Watch, lately
from procedures.change import Change, Phase, attempted, look
from procedures.commands import Argv
from procedures.live import Live
from procedures.refusal import Refused
from procedures.replicas import Goal, anew, commands_of, roll
from procedures.settings import ROLLING
from procedures.system import System

PARTS = ("api", "worker")
_KEY = "DEPLOY_STRATEGY"


def intended(system: System, before: Live, release: str, *, mend: str, back: bool) -> Change:
    """The change to `release` by the strategy that is configured. Refused as `Change.intended` does.

    A release that stands by is turned to under either: nothing is quicker.
    """
    rolls = system.settings.strategy == ROLLING
    if back or not rolls:
        turn = Change.intended(system, before, release, mend=mend, back=back)
        if turn.stands_by or not rolls:
            return turn
    return Rolling.intended(system, before, release, mend=mend, back=back)


@dataclass(slots=True)
class Rolling(Change):
    """From `before` to `release` within the live colour.

    `replicas` and `ran`: how many of each part run, and of which images. `beside`: whether the other colour has containers.
    """

    replicas: dict[str, int] = field(default_factory=dict)
    ran: dict[str, frozenset[str]] = field(default_factory=dict)
    beside: bool = False

    @classmethod
    def intended(cls, system: System, before: Live, release: str, *, mend: str, back: bool) -> Self:
        """The change to `release`, having only looked. Refused also when the gateway has no place for one more."""
        rolling = super(Rolling, cls).intended(system, before, release, mend=mend, back=back)
        running = [each for each in system.containers(before.colour) if each.running]
        for part in PARTS:
            of_part = [each.image for each in running if each.service == f"{part}-{before.colour}"]
            rolling.replicas[part] = max(1, len(of_part))
            rolling.ran[part] = frozenset(of_part)
        places = len(system.gateway_servers(before.colour))
        if rolling.replicas["api"] >= places:
            fewer = f"api-{before.colour}={places - 1}"
            raise Refused(
                f"rolling needs room for one more, and the gateway has {places} places, all of them in use",
                f"{' '.join(system.compose.base)} up -d --scale {fewer}, or {_KEY}=blue-green",
            )
        rolling.beside = bool(system.containers(before.idle))
        rolling.details["strategy"] = ROLLING
        return rolling

    @staticmethod
    def destination(before: Live) -> str:
        return before.colour

    @property
    def stage(self) -> str:
        return self.before.idle

    @property
    def after(self) -> Live:
        """The release in the live colour, and its predecessor as that of the idle one: the way back."""
        previous = self.release if self.back else self.before.release
        return self.before.holding(self.before.idle, previous).holding(self.new, self.release).moved(self.new)

    def note(self) -> dict[str, str]:
        replicas = {part: str(count) for part, count in self.replicas.items()}
        return {**self.before.values(), _KEY: ROLLING, **replicas}

    def committed(self) -> bool:
        """Never: until its last phase has ended there is always a way back, and it is the same as the way there."""
        return False

    def goal(self, part: str) -> Goal:
        """What a part is to become."""
        image = self.image_ids[f"{part}-{self.new}"]
        return Goal(part, self.new, self.release, frozenset((image,)), self.replicas[part])

    def trial(self, part: str) -> Goal:
        """One container of the release in the idle colour."""
        return replace(self.goal(part), colour=self.stage, replicas=1)

    def plan(self, phases: tuple[Phase, ...]) -> tuple[Argv, ...]:
        system, compose, idle = self.system, self.system.compose, self.before.idle
        steps: dict[Phase, tuple[Argv, ...]] = {
            change.migrate: (compose.migrate(),),
            make_room: (compose.clear(idle),) if self.beside else (),
            try_out: tuple(argv for part in PARTS for argv in anew(system, self.trial(part))),
            change.canary: (compose.canary(idle, system.settings.canary_timeout_s),),
            roll_api: (
                *(() if self.back else (compose.clear(idle),)),
                *commands_of(system, self.goal("api")),
            ),
            roll_workers: commands_of(system, self.goal("worker")),
        }
        return tuple(argv for phase in phases for argv in steps.get(phase, ()))

    def go_back(self) -> list[str]:
        """Every replica is of the release before again, and the environment file says so. Returns what failed."""
        system, goals = self.system, list[Goal]()
        system.assume(self.before)
        failed = attempted((lambda: system.record(self.before), lambda: goals.extend(self._goals_before())))
        return failed + attempted(tuple(partial(roll, system, goal) for goal in goals))

    def stop_new(self) -> list[str]:
        """Remove what was tried out. Returns what failed."""
        system = self.system
        return attempted((lambda: _clear(system, self.before.idle),))

    def watch(self) -> Watch:
        """Only the new containers: the old ones are of the same colour."""
        new = self.image_ids[f"api-{self.new}"]
        running = [each for each in self.system.containers(self.new) if each.image == new]
        query = bake.query_of(address for each in running for address in each.addresses)
        return Watch(self.system, self.new, self.old_counters, self.reads, self.switched_at, query=query)

    def _goals_before(self) -> tuple[Goal, ...]:
        """What ran before is as good as what its name means by now: a tag may have been moved."""
        named = _goals(self.system, self.before, self.replicas)
        new = {self.image_ids[f"{part}-{self.new}"] for part in PARTS}
        return tuple(
            Goal(goal.part, goal.colour, goal.release, (goal.images | self.ran[goal.part]) - new, goal.replicas)
            for goal in named
        )


def make_room(rolling: Rolling) -> None:
    """Remove what stands by in the other colour: another release becomes the way back, and the trial needs its place."""
    rolling.system.record(rolling.before)
    if rolling.beside:
        _clear(rolling.system, rolling.before.idle)


def try_out(rolling: Rolling) -> None:
    """Start an API and a worker of the release in the idle colour, where neither requests nor jobs reach them.

    In the live colour an old worker might do the canary job instead.
    """
    rolling.system.assume(rolling.before.holding(rolling.stage, rolling.release))
    for part in PARTS:
        roll(rolling.system, rolling.trial(part))


def roll_api(rolling: Rolling) -> None:
    """Replace the API's containers, each watched under traffic before the next one."""
    if rolling.back:  # whoever takes over from here must not return to the release that is being left
        rolling.system.record(rolling.after)
    else:
        _clear(rolling.system, rolling.before.idle)
        rolling.begin_reads()
        rolling.old_counters = lately(rolling.system, rolling.old)
    _roll(rolling, "api")


def roll_workers(rolling: Rolling) -> None:
    """Replace the workers. One that leaves ends the jobs it holds, or gives them back."""
    _roll(rolling, "worker")


def finish(rolling: Rolling) -> None:
    """Write down that the release is live, and which one it replaced."""
    rolling.system.record(rolling.after)


def began(note: Mapping[str, str]) -> bool:
    """Whether a note is that of a rolling change."""
    return note.get(_KEY) == ROLLING


def settle(system: System, note: Mapping[str, str]) -> Live:
    """Bring every replica to what the environment file says after a rolling change was killed; returns what is live.

    Raises CommandFailed, StepFailed or OSError.
    """
    live = system.live()
    system.record(live)
    _clear(system, live.idle)
    for goal in _goals(system, live, {part: int(note.get(part, "1")) for part in PARTS}):
        roll(system, goal)
    return live


def _roll(rolling: Rolling, part: str) -> None:
    def after_each() -> None:
        look(rolling)
        rolling.switched_at = time.monotonic()

    rolling.system.assume(rolling.after)
    rolling.switched_at = time.monotonic()
    roll(rolling.system, rolling.goal(part), after_each=after_each)


def _clear(system: System, colour: str) -> None:
    system.do(system.compose.clear(colour), f"{colour} cannot be removed")


def _goals(system: System, live: Live, replicas: Mapping[str, int]) -> tuple[Goal, ...]:
    """What the file that is recorded or assumed says each part should be."""
    references = system.configuration().images
    services = {part: references[f"{part}-{live.colour}"] for part in PARTS}
    found = system.image_ids(tuple(services.values()))
    return tuple(
        Goal(part, live.colour, live.release, frozenset(filter(None, (found.get(services[part]),))), replicas[part])
        for part in PARTS
    )
