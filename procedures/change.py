"""The phases that bring a release live on the idle colour, and the way back. Phases are functions in order of execution."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from procedures import rehearsal, traffic
from procedures.bake import Watch, lately
from procedures.commands import Argv
from procedures.live import Live
from procedures.refusal import Refused, StepFailed
from procedures.shell import CommandFailed
from procedures.system import Configuration, Container, System
from procedures.traffic import Reads
from procedures.waiting import until
from procedures.window import Counters, Judgement

CRASHES = 3  # restarts after which a container is not given more time


@dataclass(slots=True)
class Change:
    """From `before` to `release` on the colour that was idle. `details` and `remarks` are for the record."""

    system: System
    before: Live
    release: str
    configuration: Configuration
    image_ids: Mapping[str, str]
    details: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    back: bool = False
    stands_by: bool = False
    reads: Reads | None = None
    rehearsed: Counters | None = field(default_factory=Counters)
    switched_at: float = 0.0
    old_counters: Counters = field(default_factory=Counters)

    @classmethod
    def intended(cls, system: System, before: Live, release: str, *, mend: str, back: bool) -> Self:
        """The change to `release`, having only looked.

        Refused when its images are not on this engine, or when the gateway serves another colour than the file says.
        """
        active = system.gateway()["active"]
        if active == "unknown":
            raise Refused(
                "the gateway has not heard yet which colour serves, as while the system starts",
                f"wait until {' '.join((*system.compose.base, 'ps'))} calls every service healthy; "
                f"where it stays so: {' '.join(system.compose.gateway_to(before.colour))}",
            )
        if active != before.colour:
            raise Refused(
                f"the gateway serves {active}, the environment file says {before.colour}",
                " ".join(system.compose.gateway_to(before.colour)),
            )
        colour = cls.destination(before)
        intended = replace(before.holding(colour, release), migrate=release)
        system.assume(intended, both=True)
        configuration = system.configuration()
        system.assume(before)
        services = (f"api-{colour}", f"worker-{colour}", "migrate")
        references = {service: configuration.images[service] for service in services}
        found = system.image_ids(tuple(references.values()))
        missing = [reference for reference in references.values() if reference not in found]
        if missing:
            raise Refused(
                f"release {release} is not on this engine: no image {', '.join(missing)}", mend.format(release)
            )
        ids = {service: found[reference] for service, reference in references.items()}
        change = cls(system, before, release, configuration, ids, back=back)
        change.stands_by = back and change.runs_on(before.idle)
        return change

    @staticmethod
    def destination(before: Live) -> str:
        """The colour that is to get the release."""
        return before.idle

    @property
    def own_phases(self) -> tuple[Phase, ...]:
        """The phases of a change that is neither a deployment nor a rollback."""
        return ()

    def already_running(self) -> bool:
        """Whether the live colour is the release asked for."""
        return self.release == self.before.release and self.runs_on(self.old)

    def runs_on(self, colour: str) -> bool:
        """Whether every container of a colour runs the release, by image and not by name alone."""
        wanted = {service.replace(self.new, colour): image for service, image in self.image_ids.items()}
        wanted.pop("migrate", None)
        running = self.system.containers(colour)
        return {each.service for each in running} == set(wanted) and all(
            each.running and each.image == wanted[each.service] for each in running
        )

    def note(self) -> dict[str, str]:
        """What the next procedure has to know should this one be killed."""
        return self.before.values()

    def committed(self) -> bool:
        """Whether the new release is written down as the live one, so that there is no way back any more."""
        return self.system.live().colour == self.new

    def plan(self, phases: tuple[Phase, ...]) -> tuple[Argv, ...]:
        """The commands that would change something, in order."""
        return plan(self, phases)

    def go_back(self) -> list[str]:
        """Undo whatever was begun. Returns what failed."""
        return go_back(self)

    def stop_new(self) -> list[str]:
        """Stop what is not to serve. Returns what failed."""
        return stop_new(self)

    def watch(self) -> Watch:
        """The new release under traffic."""
        return Watch(self.system, self.new, self.old_counters, self.reads, self.switched_at, rehearsed=self.rehearsed)

    def begin_reads(self) -> None:
        """Read from here on, so that the old release has been read as the new one will be."""
        self.reads, why_none = traffic.begin(self.system)
        self.details |= {"reads": f"none: {why_none}"} if why_none else {}

    def end_reads(self) -> None:
        """Stop reading, and keep how many reads failed from the start of the new colour until now."""
        if self.reads:
            self.reads.end()
            self.details["reads"] = {
                "sent": len(self.reads.done),
                "failed": sum(each.failed for each in self.reads.done),
            }

    @property
    def old(self) -> str:
        return self.before.colour

    @property
    def new(self) -> str:
        return self.destination(self.before)

    @property
    def stage(self) -> str:
        """The colour in which the new release proves itself before users meet it."""
        return self.new

    @property
    def both(self) -> Live:
        """The old release live and the new one beside it."""
        return self.before.holding(self.new, self.release)

    @property
    def after(self) -> Live:
        after = self.both.moved(self.new)
        # A release that was left is none to go back to: after a rollback either colour names the same one.
        return after.holding(self.old, self.release) if self.back else after


Phase = Callable[[Any], None]  # of the kind of change that it belongs to


def migrate(change: Change) -> None:
    """Expand the schema with the new release's migrations, while the environment file still names the old one."""
    system = change.system
    system.assume(replace(change.both, migrate=change.release), both=True)
    system.do(
        system.compose.migrate(),
        f"the migrations of {change.release} failed; the schema is as it was",
        timeout_s=system.settings.migrate_timeout_s,
    )


def start(change: Change) -> None:
    """Start the idle colour with the release, unless it stands by. From here on there is something to undo."""
    system = change.system
    system.record(change.both, both=True)
    if not change.stands_by:
        system.do(system.compose.start(change.new), f"{change.new} does not start with {change.release}")


def ready(change: Change) -> None:
    """Wait until the engine and the gateway see the new colour ready, and make sure that it is the release meant."""
    system, settings = change.system, change.system.settings
    if not change.back:
        change.begin_reads()
    started = change.system.containers(change.new)
    running = until(
        lambda: _ready(change, started),
        within_s=settings.ready_timeout_s,
        every_s=settings.poll_s,
        saying=lambda: f"{change.release} did not get ready on {change.new} ({_why_not(change)})",
    )
    for container in running:
        if container.image != change.image_ids[container.service]:
            raise StepFailed(f"{container.service} runs image {container.image}, which is not that of {change.release}")
    if change.stands_by:  # it said who it is when it was deployed
        return
    served = system.release_served_by(change.new)
    if served != change.release:
        raise StepFailed(f"api-{change.new} says it is release {served!r}, not {change.release}")


def canary(change: Change) -> None:
    """Let the new workers do a job of their own before they take real ones."""
    limit = change.system.settings.canary_timeout_s
    argv = change.system.compose.canary(change.stage, limit)
    change.system.do(
        argv, f"the canary job of {change.release} was not done on worker-{change.stage}", timeout_s=limit + 30
    )


def rehearse(change: Change) -> None:
    """Read the new release and the live one by turns, before a user meets the new one. StepFailed when it is bad."""
    if not change.system.settings.rehearsal_reads:
        change.details["rehearsal"] = {"verdict": "not judged", "reason": "DEPLOY_REHEARSAL_READS is 0"}
        return
    found = rehearsal.rehearsed(change.system, new=change.stage, live=change.old)
    change.details["rehearsal"] = found.record()
    change.rehearsed = found.counted
    if found.verdict == "bad":
        raise StepFailed(f"{change.release} in the rehearsal: {found.reason}")
    if found.verdict == "not judged":
        change.remarks.append(f"the rehearsal proves nothing: {found.reason}")


def switch(change: Change) -> None:
    """Send the traffic to the new colour and let its workers take the jobs."""
    if not change.back:
        change.old_counters = lately(change.system, change.old)
    change.switched_at = time.monotonic()
    change.system.point_to(change.new)
    if change.back:  # whoever takes over from here must not return to the release that is being left
        change.system.record(change.after, both=True)


def drain(change: Change) -> None:
    """Wait until the old colour has finished its jobs, watching the new one meanwhile.

    A bad release that is being left gets the time to drain, but no veto.
    """
    settings = change.system.settings
    try:
        until(
            lambda: _drained(change),
            within_s=settings.drain_timeout_s,
            every_s=settings.poll_s,
            saying=lambda: f"{change.old} did not drain: {_held(change)}",
        )
    except (StepFailed, CommandFailed) as error:
        if not change.back:
            raise
        change.remarks.append(str(error))


def bake(change: Change) -> None:
    """Watch error rate and latency of the new release under traffic.

    StepFailed when they are bad, and when nothing shows that they are good: a release that nobody saw at work is not kept,
    unless the operator asked for no bake.
    """
    judgement = change.watch().judgement()
    _condemned_if_bad(change, judgement)
    if judgement.verdict == "good":
        return
    if change.system.settings.bake_s:
        raise StepFailed(
            f"no evidence that {change.release} is good: {judgement.reason}. To mend it: {_evidence(change)}"
        )
    change.remarks.append(f"the bake proves nothing: {judgement.reason}")


def finish(change: Change) -> None:
    """Write down that the release is live. The one it replaced stands by, for the quickest way back; a bad one is stopped."""
    change.system.record(change.after, both=not change.back)
    if change.back:
        change.remarks += attempted((lambda: _stop(change, change.old),))


def go_back(change: Change) -> list[str]:
    """Undo whatever was begun: the old release alone serves, and the environment file says so. Returns what failed."""
    system = change.system
    steps: tuple[Callable[[], object], ...] = (
        lambda: system.do(system.compose.gateway_back_to(change.old), f"the gateway does not go back to {change.old}"),
        lambda: system.do(system.compose.workers_to(change.old), f"the workers do not go back to {change.old}"),
        lambda: system.record(change.before),
    )
    return attempted(steps)


def stop_new(change: Change) -> list[str]:
    """Stop the colour that is not to serve. Returns what failed."""
    return attempted((lambda: _stop(change, change.new),))


def plan(change: Change, phases: tuple[Phase, ...]) -> tuple[Argv, ...]:
    """The commands that would change something, in order."""
    compose = change.system.compose
    commands: dict[Phase, tuple[Argv, ...]] = {
        migrate: (compose.migrate(),),
        start: () if change.stands_by else (compose.start(change.new),),
        canary: (compose.canary(change.new, change.system.settings.canary_timeout_s),),
        switch: (compose.gateway_to(change.new), compose.workers_to(change.new)),
        finish: (compose.stop(change.old),) if change.back else (),
    }
    return tuple(argv for phase in phases for argv in commands.get(phase, ()))


def _stop(change: Change, colour: str) -> None:
    change.system.do(change.system.compose.stop(colour), f"{colour} does not stop")


def _ready(change: Change, started: Sequence[Container]) -> list[Container] | None:
    ids = [each.id for each in started]
    containers = change.system.inspected(ids, f"cannot inspect the containers of {change.new}") if ids else []
    for container in containers:
        if container.restarts >= CRASHES:
            words = change.system.last_words(container.service)
            raise StepFailed(f"{container.service} of {change.release} keeps crashing: {words}")
    services = {container.service for container in containers}
    if services != set(change.image_ids) - {"migrate"} or any(map(change.system.illness, containers)):
        return None
    return containers if change.system.gateway()[change.new]["up"] else None


def _why_not(change: Change) -> str:
    """What still held it back, said by the engine, the gateway and the service's own last words."""
    said = [(each.service, change.system.illness(each)) for each in change.system.containers(change.new)]
    ill = "; ".join(f"{service}: {illness}" for service, illness in said if illness)
    return ill or f"the gateway sees no server of {change.new} up"


def look(change: Change) -> None:
    """Judge by what is known at this moment. StepFailed when it is bad; a release that is being left has no veto."""
    if not change.back and change.system.settings.bake_s:
        _condemned_if_bad(change, change.watch().now())


def _evidence(change: Change) -> str:
    """What the operator can do about a bake without evidence."""
    why_none = change.details.get("reads", "")
    ways = (
        f"let there be reads of our own ({why_none})" if why_none else "",
        "see that Prometheus answers and scrapes the new colour",
        "bake longer (DEPLOY_BAKE_S) or ask for less (DEPLOY_MINIMUM_REQUESTS)",
        "DEPLOY_BAKE_S=0 does without a bake",
    )
    return "; or ".join(filter(None, ways))


def _condemned_if_bad(change: Change, judgement: Judgement) -> None:
    change.details["bake"] = judgement.record()
    if judgement.verdict == "bad":
        raise StepFailed(f"{change.release} under traffic: {judgement.reason}")


def _drained(change: Change) -> bool | None:
    look(change)
    return True if not _held(change) else None


def _held(change: Change) -> str:
    """What the old colour still holds, in words; empty when nothing.

    Jobs only: requests under way end by themselves, because the old API stays or, when it is stopped, answers them first.
    """
    jobs = change.system.running_jobs(change.old, asked_of=change.new)
    return f"{jobs} jobs running" if jobs else ""


def attempted(steps: tuple[Callable[[], object], ...]) -> list[str]:
    """Take every step, whatever becomes of the others. Returns what failed."""
    failed = []
    for step in steps:
        try:
            step()
        except (Refused, CommandFailed, StepFailed, OSError) as error:
            failed.append(str(error))
    return failed
