"""How a change is carried out: under the lock, phase by phase, with a way back and a record. Shared by deploy and rollback."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from procedures import environment, interruption, rolling
from procedures.change import Change, Phase, migrate
from procedures.commands import Compose
from procedures.direct import Direct
from procedures.live import Live
from procedures.lock import Lock, held
from procedures.outcome import Action, Outcome, Result
from procedures.progress import Stopwatch, say
from procedures.record import keep, state_folder
from procedures.refusal import Refused, StepFailed
from procedures.settings import Settings
from procedures.shell import CommandFailed
from procedures.system import Run, System
from procedures.takeover import settle

PROBLEMS = (Refused, StepFailed, CommandFailed, OSError)


@dataclass(frozen=True, slots=True)
class Request:
    """What an operator asked for; `choose` finds the release by what is live, `mend` says what to do about missing images;
    `intend` looks and decides instead, for a change that is no release but of what `subject` names."""

    action: Action
    release: str
    phases: tuple[Phase, ...]
    choose: Callable[[Live], str]
    done: Result
    mend: str
    dry_run: bool = False
    rolling: tuple[Phase, ...] = ()
    intend: Callable[[System, Live], Change] | None = None
    subject: str = ""

    @property
    def what(self) -> str:
        """What it is, in words, for whoever finds the lock taken."""
        return f"{self.action} {self.release or self.subject}".strip()

    def phases_of(self, change: Change) -> tuple[Phase, ...]:
        """The phases of the strategy by which the change is made, or those that a change of its own kind has."""
        if change.own_phases:
            return change.own_phases
        return self.rolling if isinstance(change, rolling.Rolling) else self.phases


def main(request: Request) -> int:
    """Carry out a request, print its result as the last line on stdout, and return the exit status."""
    outcome = carry_out(request)
    say(f"{outcome.result} in {outcome.seconds:.1f} s" + (f": {outcome.reason}" if outcome.reason else ""))
    sys.stdout.write(outcome.line() + "\n")
    return outcome.status


def carry_out(request: Request, run: Run | None = None) -> Outcome:
    """Do what was asked for, or undo it. Always an Outcome, and a record of it unless it was a dry run."""
    procedure = Procedure(request)
    with interruption.as_failure():
        try:
            system = System(run or Direct(), Compose.of(), environment.locate(), Settings.of())
            if request.dry_run:
                return procedure.planned(system)
            with held(state_folder() / "lock", request.what) as lock:
                return procedure.locked(system, lock)
        except Exception as error:  # noqa: BLE001  (whatever it is, the last line says it)
            outcome = procedure.not_begun(error)
            return outcome if request.dry_run else keep(outcome, evidence={}, system=None)


@dataclass(slots=True)
class Procedure:
    """One request on its way: what is known of it so far."""

    request: Request
    watch: Stopwatch = field(default_factory=Stopwatch)
    evidence: dict[str, Any] = field(default_factory=dict)
    change: Change | None = None
    live: Live | None = None

    def planned(self, system: System) -> Outcome:
        """What would be done, having looked only."""
        with self.watch.phase("plan"):
            system.fit_for_change()
            change = self._intended(system)
            unchanged = change.already_running()
        if unchanged:
            return self._outcome("planned", f"{change.release} is already running")
        return replace(self._outcome("planned"), plan=change.plan(self.request.phases_of(change)))

    def locked(self, system: System, lock: Lock) -> Outcome:
        """Settle what others left, then change. The lock keeps its note until everything is recorded or undone."""
        try:
            with self.watch.phase("lock"):
                system.fit_for_change()
                self._settle(system, lock)
            with self.watch.phase("plan"):
                change = self._intended(system)
                unchanged = change.already_running()
                if not unchanged:
                    system.writable()
        except Exception as error:  # noqa: BLE001  (the note of a process that died stays, should this be the end)
            return keep(self.not_begun(error), evidence=self.evidence, system=system)
        if unchanged:
            outcome = replace(self._outcome("unchanged", f"{change.release} is already running"), colour=change.old)
            return keep(outcome, evidence=self.evidence, system=system)
        lock.note(change.note())
        outcome, whole = self._through_phases(change)
        outcome = keep(outcome, evidence=self.evidence, system=system)
        if whole:
            lock.note({})
        return outcome

    def not_begun(self, error: Exception) -> Outcome:
        """The outcome when nothing was changed."""
        return self._outcome("refused" if isinstance(error, Refused) else "failed", in_one_line(error))

    def _settle(self, system: System, lock: Lock) -> None:
        settled = settle(lock, system)
        if settled:
            self.evidence["taken_over"] = settled
            say(f"took over from a process that died ({settled['found']}): {settled['live']} is live")

    def _intended(self, system: System) -> Change:
        self.live = live = system.live()
        if self.request.intend:
            change = self.request.intend(system, live)
        else:
            back = self.request.action == "rollback"
            change = rolling.intended(system, live, self.request.choose(live), mend=self.request.mend, back=back)
        self.change = change
        self.evidence |= {"images": dict(change.image_ids), "config": change.configuration.fingerprint}
        return change

    def _through_phases(self, change: Change) -> tuple[Outcome, bool]:
        """The outcome, and whether the system is whole: entirely on the new release, or entirely on the old one."""
        phase: Phase = migrate
        try:
            for phase in self.request.phases_of(change):
                with self.watch.phase(phase.__name__):
                    phase(change)
            interruption.ignored()  # it is done: who interrupts now does not undo it
        except Exception as error:  # noqa: BLE001  (a bug, too, is undone)
            return self._undone(change, phase, in_one_line(error))
        finally:
            change.end_reads()
        return self._outcome(self.request.done, "; ".join(change.remarks)), True

    def _undone(self, change: Change, phase: Phase, reason: str) -> tuple[Outcome, bool]:
        interruption.ignored()
        say(f"{phase.__name__} failed: {reason}")
        change.details["failed_phase"] = phase.__name__
        if phase is migrate:
            return self._outcome("failed", reason), True
        if _written_down(change):  # the new release is what is live
            return self._outcome(self.request.done, "; ".join((reason, *change.remarks))), True
        with self.watch.phase("undo"):
            problems = change.go_back()
        with self.watch.phase("stop"):
            stopping = change.stop_new()
        result: Result = "failed" if problems or self.request.action == "rollback" else "rolled-back"
        return self._outcome(result, "; ".join((reason, *problems, *stopping))), not problems

    def _outcome(self, result: Result, reason: str = "") -> Outcome:
        change = self.change
        # Whoever changes no release asked for none: what they would have changed is the live one.
        asked = self.live.release if self.request.subject and self.live else self.request.release
        return Outcome(
            self.request.action,
            change.release if change else asked,
            result,
            previous=change.before.release if change else "",
            colour=change.new if change else "",
            reason=reason,
            phases=dict(self.watch.phases),
            seconds=self.watch.seconds(),
            details=change.details if change else {"asked": self.request.subject} if self.request.subject else {},
        )


def _written_down(change: Change) -> bool:
    try:
        return change.committed()
    except (Refused, OSError, ValueError):  # a file that cannot be read says nothing: what was live before is the truth
        return False


def in_one_line(error: Exception) -> str:
    """What went wrong, with the last thing the failed command said and how to mend it. A bug is named as one."""
    if not isinstance(error, PROBLEMS):
        traceback.print_exception(error)
        return (
            f"a bug of this procedure, whose trace is on stderr: {type(error).__name__}: {' '.join(str(error).split())}"
        )
    if isinstance(error, CommandFailed):
        said = (
            f"{error.what}: {error.last_lines[-1].strip()}"
            if error.last_lines
            else f"{error.what} (exit status {error.status})"
        )
        return f"{said}. To mend it: {error.mend}" if error.mend else said
    return " ".join(str(error).split())
