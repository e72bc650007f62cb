"""Replaces the containers of one service one at a time: first a new one serves, then an old one leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from procedures import commands
from procedures.change import CRASHES
from procedures.commands import Argv
from procedures.refusal import StepFailed
from procedures.system import Container, Server, System
from procedures.waiting import until

FREE = "free"  # the gateway's word for its places without a server


@dataclass(frozen=True, slots=True)
class Goal:
    """What one service of a colour is to become: so many containers of `release`, by the ids of its image."""

    part: str  # api or worker
    colour: str
    release: str
    images: frozenset[str]
    replicas: int

    @property
    def service(self) -> str:
        return f"{self.part}-{self.colour}"

    @property
    def at_gateway(self) -> bool:
        return self.part == "api"


def roll(system: System, goal: Goal, *, after_each: Callable[[], None] = lambda: None) -> None:
    """Bring a service to its goal without a gap, from its former release as well as from what a killed change left.

    Raises StepFailed or CommandFailed where it got stuck; what served until then still does.
    """
    for container in _present(system, goal):
        if not container.running:  # crashed, or half made by an `up` that was killed
            system.do(commands.remove_container(container.id), f"{goal.service} cannot be removed")
    for count in range(1, goal.replicas + 1):
        _replace(system, goal, count)
        after_each()
    if goal.at_gateway:
        _out(system, goal)


def _replace(system: System, goal: Goal, count: int) -> None:
    """Have `count` new containers serve, and then no more old ones than are still needed beside them."""
    new, old = _divided(system, goal)
    if len(new) < count:
        if goal.at_gateway and (new or old):  # where others serve it waits to be let in
            _out(system, goal, FREE)
        system.do(
            system.compose.one_more(goal.service, len(new) + len(old)),
            f"{goal.service} of {goal.release} does not start",
        )
    until(
        lambda: _serving(system, goal, count),
        within_s=system.settings.ready_timeout_s,
        every_s=system.settings.poll_s,
        saying=lambda: f"{goal.release} did not get ready in {goal.service} ({_why_not(system, goal)})",
    )
    for container in old[goal.replicas - count :]:
        _leave(system, goal, container)


def _serving(system: System, goal: Goal, count: int) -> bool | None:
    """Whether `count` new containers pass their checks, at the engine and at the gateway, and are what they should be."""
    new, _ = _divided(system, goal)
    for container in new:
        if container.restarts >= CRASHES:
            raise StepFailed(f"{goal.service} of {goal.release} keeps crashing: {system.last_words_of(container)}")
    if len(new) < count or any(map(system.illness, new)):
        return None
    if not goal.at_gateway:
        return True
    up = {server.address for server in system.gateway_servers(goal.colour) if server.up}
    if not all(up.intersection(container.addresses) for container in new):
        return None
    said = {system.release_of(container) for container in new}
    if said != {goal.release}:
        raise StepFailed(f"{goal.service} says it is release {', '.join(sorted(said))}, not {goal.release}")
    return True


def _leave(system: System, goal: Goal, container: Container) -> None:
    """Take a container away: no new requests, those under way and its jobs ended, stopped, removed, forgotten."""
    if goal.at_gateway:
        _out(system, goal, *container.addresses)
        until(
            lambda: None if sum(each.requests for each in _places(system, goal, container)) else True,
            within_s=system.settings.drain_timeout_s,
            every_s=system.settings.poll_s,
            saying=lambda: f"{goal.service} still has requests under way",
        )
    system.do(commands.stop_container(container.id), f"{goal.service} does not stop")
    system.do(commands.remove_container(container.id), f"{goal.service} cannot be removed")
    if goal.at_gateway:  # its place must not be given requests again before another server has it
        until(
            lambda: None if _places(system, goal, container) else True,
            within_s=system.settings.ready_timeout_s,
            every_s=system.settings.poll_s,
            saying=lambda: f"the gateway still knows {goal.service} at {', '.join(container.addresses)}",
        )


def commands_of(system: System, goal: Goal) -> tuple[Argv, ...]:
    """The commands with which `roll` would change something, in order, as far as nothing has to be mended."""
    compose = system.compose
    new, old = ([each for each in some if each.running] for some in _divided(system, goal))
    dead = [each for each in _present(system, goal) if not each.running]
    found = [commands.remove_container(each.id) for each in dead]
    for count in range(len(new) + 1, goal.replicas + 1):
        leaving = old[goal.replicas - count : goal.replicas - count + 1]
        found += [compose.gateway_out(goal.colour, FREE)] if goal.at_gateway and (old or count > 1) else []
        found += [compose.one_more(goal.service, goal.replicas if old else count - 1)]
        for container in leaving:
            found += [compose.gateway_out(goal.colour, *container.addresses)] if goal.at_gateway else []
            found += [commands.stop_container(container.id), commands.remove_container(container.id)]
    return (*found, compose.gateway_out(goal.colour)) if goal.at_gateway else tuple(found)


def anew(system: System, goal: Goal) -> tuple[Argv, ...]:
    """The commands with which `roll` would start the one container of a service of which nothing is there yet."""
    up = system.compose.one_more(goal.service, 0)
    return (up, system.compose.gateway_out(goal.colour)) if goal.at_gateway else (up,)


def _out(system: System, goal: Goal, *out: str) -> None:
    """Let the gateway give requests to every server of the colour but these."""
    system.do(system.compose.gateway_out(goal.colour, *out), f"the gateway does not take {' '.join(out)} out")


def _places(system: System, goal: Goal, container: Container) -> list[Server]:
    """The gateway's places that a container has."""
    return [each for each in system.gateway_servers(goal.colour) if each.address in container.addresses]


def _present(system: System, goal: Goal) -> list[Container]:
    return [each for each in system.containers(goal.colour) if each.service == goal.service]


def _divided(system: System, goal: Goal) -> tuple[list[Container], list[Container]]:
    """The containers that are what they should be, and the others."""
    present = _present(system, goal)
    return (
        [each for each in present if each.image in goal.images],
        [each for each in present if each.image not in goal.images],
    )


def _why_not(system: System, goal: Goal) -> str:
    """What still held it back, said by the engine, the gateway and the container's own last words."""
    new, _ = _divided(system, goal)
    ill = "; ".join(filter(None, map(system.illness, new)))
    return ill or ("the gateway does not see it up" if new else "no container of its image runs")
