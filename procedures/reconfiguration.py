"""A change of settings: the live release comes up once more on the idle colour with the new values, and takes over there.

What only other services take is given to these in place. The environment file gets the new values last, in one write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from procedures import environment
from procedures.change import Change, Phase, attempted, bake, canary, drain, ready, rehearse, start, switch
from procedures.change import go_back as colour_back
from procedures.commands import COLOURS, Argv
from procedures.live import KEYS, Live
from procedures.refusal import Refused, StepFailed
from procedures.system import System
from procedures.validate_configuration import PRODUCTION, problems
from procedures.waiting import pause, until

# Who stands between users and the rest, or holds their data: made anew, it answers nobody for seconds.
_NEVER_BESIDE = frozenset({"gateway", "database"})
_OF_DEPLOYMENTS = frozenset({*KEYS, "PLATFORM_RELEASE"})
_VALUE = re.compile(r"[^\s'\"#$\\`]*")
_SETTINGS = "reference/docs/configuration.md names the settings and what they decide"
_WAIT_S = 60
_STAYS_S = 3.0  # a service that a value kills may be well before it dies of it


@dataclass(slots=True)
class Reconfiguration(Change):
    """From the values of the environment file to those that have `wanted` laid over them. `given`: what they were;
    `others`: the services beside the colours that take one of them; `turns`: whether a colour does."""

    wanted: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    turns: bool = True

    @classmethod
    def to(cls, system: System, before: Live, wanted: Mapping[str, str], where: str = PRODUCTION) -> Self:
        """The change to these values, having only looked. Refused where one is wrong, or cannot be changed under traffic."""
        values = environment.read(system.file)
        differing = {key: value for key, value in wanted.items() if values.get(key) != value}
        _demand_valid(system, wanted, where)
        change = super(Reconfiguration, cls).intended(system, before, before.release, mend="make setup", back=False)
        both = replace(before.holding(before.idle, before.release), migrate=before.release)
        system.assume(both, both=True)
        now = system.services()
        system.also(differing)
        then = system.services()
        system.also({key: values.get(key, "") for key in differing})
        system.assume(before)
        taking = {name for name in then if then[name] != now.get(name)} - {"migrate"}
        if stopping := sorted(taking & _NEVER_BESIDE):
            raise Refused(
                f"{', '.join(differing)} is taken by {', '.join(stopping)}, which cannot be changed under traffic",
                "plan an outage: reference/runbooks/configuration.md#a-setting-of-the-gateway-or-the-database",
            )
        colours = {f"{part}-{colour}" for part in ("api", "worker") for colour in COLOURS}
        change.wanted, change.given = differing, {key: values.get(key, "") for key in differing}
        change.others, change.turns = tuple(sorted(taking - colours)), bool(taking & colours)
        change.details["changes"] = {key: {"from": values.get(key), "to": value} for key, value in differing.items()}
        change.details["services"] = sorted(taking)
        return change

    def already_running(self) -> bool:
        return not self.wanted

    def committed(self) -> bool:
        """Whether the new values are written down: they are in one write with the colour that has them."""
        return environment.read(self.system.file).items() >= self.wanted.items()

    @property
    def own_phases(self) -> tuple[Phase, ...]:
        turning: tuple[Phase, ...] = (begin, ready, canary, rehearse, switch, drain, bake)
        return (*(turning if self.turns else ()), *((others,) if self.others else ()), keep)

    def plan(self, phases: tuple[Phase, ...]) -> tuple[Argv, ...]:
        compose, new = self.system.compose, self.new
        steps: dict[Phase, tuple[Argv, ...]] = {
            begin: (compose.start(new),),
            canary: (compose.canary(new, self.system.settings.canary_timeout_s),),
            switch: (compose.gateway_to(new), compose.workers_to(new)),
            others: (compose.up(self.others),),
            keep: (compose.stop(self.old),) if self.turns else (),
        }
        return tuple(argv for phase in phases for argv in steps.get(phase, ()))

    def go_back(self) -> list[str]:
        """The old values everywhere again, and the environment file as it was. Returns what failed."""
        self.system.also(self.given)
        failed = attempted((lambda: _renew(self),)) if self.others else []
        return failed + (colour_back(self) if self.turns else [])

    def stop_new(self) -> list[str]:
        # Named by its class: a dataclass with slots is another class than the one that `super()` would see here.
        return Change.stop_new(self) if self.turns else []


def begin(change: Reconfiguration) -> None:
    """Start the idle colour with the new values. From here on there is something to undo."""
    change.system.also(change.wanted)
    start(change)


def others(change: Reconfiguration) -> None:
    """Make the other services that take a value anew, and wait until they are well."""
    change.system.also(change.wanted)
    _renew(change)


def keep(change: Reconfiguration) -> None:
    """Write the values down with the colour that has them. What ran with the old ones is stopped: it is no way back."""
    after = change.both.moved(change.new) if change.turns else change.before
    environment.rewrite(change.system.file, {**after.values(), **change.wanted})
    change.system.assume(after)
    if change.turns:
        stop = change.system.compose.stop(change.old)
        change.remarks += attempted((lambda: change.system.do(stop, f"{change.old} does not stop"),))


def _renew(change: Reconfiguration) -> None:
    services = ", ".join(change.others)
    system = change.system
    system.do(system.compose.up(change.others), f"{services} could not be made anew")
    made = system.do(system.compose.alive(change.others), f"{services} cannot be listed").stdout.split()
    if len(made) < len(change.others):
        raise StepFailed(f"{services}: not every one runs")
    until(
        lambda: None if _ill(system, made) else True,
        within_s=_WAIT_S,
        every_s=system.settings.poll_s,
        saying=lambda: f"{services} did not get well ({_ill(system, made)})",
    )
    pause(_STAYS_S)
    if ill := _ill(system, made):
        raise StepFailed(f"{services} did not stay well ({ill})")


def _ill(system: System, ids: Sequence[str]) -> str:
    """What is wrong with the first container that started again or does not pass its health check, run at once; empty when all
    are well."""
    found = system.inspected(ids, "cannot inspect what was made anew")
    loops = (f"{each.service}: started again by itself" for each in found if each.restarts)
    ill = (f"{each.service}: {illness}" for each in found if (illness := system.illness(each)))
    return next(loops, "") or next(ill, "")


def _demand_valid(system: System, wanted: Mapping[str, str], where: str) -> None:
    """Refused when a value cannot stand in the file, or the file with it is not valid, by the names of the keys."""
    if ours := sorted(_OF_DEPLOYMENTS & wanted.keys()):
        raise Refused(f"{', '.join(ours)}: only a deployment changes that", "scripts/deploy-production.sh --release R")
    for key, value in wanted.items():
        if not _VALUE.fullmatch(value):
            raise Refused(f"{key}: holds a blank, a quote or another sign that the environment file gives a meaning")
    text = system.file.read_text(encoding="utf-8")
    found = problems(environment.rewritten(text, wanted), where)
    if found:
        said = "; ".join(f"{problem.key}: {problem.text}" for problem in found)
        before = {(problem.key, problem.text) for problem in problems(text, where)}
        theirs = all((problem.key, problem.text) in before for problem in found)
        of_the_file = f"scripts/validate-production-config.sh {system.file}"
        raise Refused(f"not valid for {where}: {said}", of_the_file if theirs else _SETTINGS)
