"""Sabotage the system on purpose and demand that the right check turns red.

The checks run on the healthy system first: a check that is red anyway catches nothing. Each defect then gets a stack of its
own, judged by the smallest selection that should notice. A defect that could not be put in is an error, never a catch.

Two defects that belong to different lanes go through one run side by side, as the lanes of the healthy run did. Whatever is
not caught so is proven again alone, before it is called missed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gate import lanes, runner, shell
from gate import target as targets
from gate.check import CheckError
from gate.errors import CouldNotRunError, Stopped, UsageError
from gate.lane_process import SUITES
from gate.model import Check, Outcome, Run, Sabotage
from gate.progress import Progress
from gate.proof import Catch, Proof, Proofs, applicable
from gate.runner import Ended, Request
from gate.shell import CommandFailed
from gate.target import Target
from gate.tools import Tools

_SHARED = (".venv", "node_modules")  # large, and no part of the system that is judged
_LEFT_OUT = (".git", ".readygate")
_HEALTHY = "to see its checks green before they are proven"


class NotPutInError(UsageError):
    """A sabotage's edit does not match exactly once, so the defect is not in the system."""


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """What to prove: these defects against these checks of this system."""

    target: Target
    profile: str
    checks: tuple[Check, ...]
    sabotages: tuple[Sabotage, ...]
    folder: Path
    suites: Path = SUITES
    advisories: str | None = None
    baseline: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Defect:
    """A sabotage and those of the checks that should notice it."""

    sabotage: Sabotage
    checks: tuple[Check, ...]

    @property
    def lanes(self) -> frozenset[str]:
        """The lanes, so the stacks, that it is put into."""
        return frozenset(lanes.assign(check.id for check in self.checks))

    def fits(self, other: Defect) -> bool:
        """Whether one run can prove both: an edited copy is another system, with another preparation."""
        edited = self.sabotage.replace or other.sabotage.replace
        return not edited and self.sabotage.profile == other.sabotage.profile and not self.lanes & other.lanes


def of_checks(checks: Iterable[Check]) -> tuple[Sabotage, ...]:
    """The `broken_by` of these checks, each defect once. Raises CheckError for two defects of one name: one of them would
    never be put in."""
    found: dict[str, Sabotage] = {}
    for check in checks:
        for sabotage in check.broken_by:
            if found.setdefault(sabotage.id, sabotage) != sabotage:
                raise CheckError(f"check {check.id!r}: its defect {sabotage.id} has the name of another one")
    return tuple(found.values())


def prove(request: ProofRequest, tools: Tools, progress: Progress) -> Proofs:
    """Run the healthy system once and every defect once; writes proofs.json as it goes. Raises Stopped when interrupted."""
    request.folder.mkdir(parents=True, exist_ok=True)
    sabotages, unbroken = applicable(request.sabotages, request.checks)
    progress.say("healthy system:")
    healthy = _run(request, request.checks, tools, progress)
    outcomes = {check.id: check.outcome.value for check in healthy.run.checks}
    applying = {check for check, outcome in outcomes.items() if outcome != Outcome.NOT_APPLICABLE}
    outcomes = {check: outcome for check, outcome in outcomes.items() if check in applying}
    green = {check for check, outcome in outcomes.items() if outcome == Outcome.PASSED}
    proofs: dict[str, Proof] = {}
    defects = [Defect(s, tuple(c for c in request.checks if c.id in s.expects and c.id in applying)) for s in sabotages]
    for together in side_by_side(defect for defect in defects if defect.checks):
        for proof in _prove(request, together, green, tools, progress):
            proofs[proof.sabotage.id] = proof
            progress.say(f"  {proof.catch}: {proof.sabotage.id} ({proof.sabotage.title})")
            found = Proofs(outcomes, tuple(proofs[s.id] for s in sabotages if s.id in proofs), unbroken)
            found.write(request.folder / "proofs.json")
    return Proofs(outcomes, tuple(proofs[s.id] for s in sabotages if s.id in proofs), unbroken)


def side_by_side(defects: Iterable[Defect]) -> Iterator[tuple[Defect, ...]]:
    """All defects, those together that one run can prove on stacks of their own: in different lanes, of the same system
    and profile."""
    left = list(defects)
    while left:
        together = [left.pop(0)]
        for other in tuple(left):
            if all(other.fits(one) for one in together):
                together.append(other)
                left.remove(other)
        yield tuple(together)


def _prove(
    request: ProofRequest, together: tuple[Defect, ...], green: Container[str], tools: Tools, progress: Progress
) -> Iterator[Proof]:
    """A proof of each. Only a catch counts from a run that others were in: the rest is proven alone."""
    alone = list(together)
    if len(together) > 1:
        progress.say(f"defects {' and '.join(defect.sabotage.id for defect in together)}, side by side:")
        checks = tuple(check for defect in together for check in defect.checks)
        run = _run(request, checks, tools, progress, tuple(defect.sabotage for defect in together)).run
        for defect in together:
            proof = Proof.of(defect.sabotage, _part(run, defect), green)
            if proof.catch is Catch.CAUGHT:
                alone.remove(defect)
                yield proof
            else:
                progress.say(f"  {proof.catch} beside another, so once more alone: {defect.sabotage.id}")
    for defect in alone:
        yield _prove_one(request, defect.sabotage, defect.checks, green, tools, progress)


def _part(run: Run, defect: Defect) -> Run:
    """What one of several defects had to do with a run: its checks and the time of its lanes."""
    ids = {check.id for check in defect.checks}
    seconds = max((lane.seconds for lane in run.lanes if lane.name in defect.lanes), default=run.seconds)
    return replace(run, checks=tuple(check for check in run.checks if check.id in ids), seconds=seconds)


def _prove_one(
    request: ProofRequest,
    sabotage: Sabotage,
    checks: tuple[Check, ...],
    green: Container[str],
    tools: Tools,
    progress: Progress,
) -> Proof:
    progress.say(f"defect {sabotage.id}:")
    if not sabotage.replace:
        return Proof.of(sabotage, _run(request, checks, tools, progress, (sabotage,)).run, green)
    prefix = f"sabotage-{hashlib.sha256(sabotage.id.encode()).hexdigest()[:8]}/"
    copy = request.folder / "systems" / sabotage.id
    try:
        _copy(request.target.folder, copy)
        for edit in sabotage.replace:
            if "pattern" in edit:
                _edit_everywhere(copy, edit, request.target)
            else:
                _edit(copy, edit)
        target = targets.load(copy / request.target.file.name, profile=request.target.profile)
        return Proof.of(sabotage, _run(request, checks, tools, progress, (sabotage,), target, prefix).run, green)
    except (UsageError, CouldNotRunError, CommandFailed) as error:
        return Proof.not_put_in(sabotage, checks, str(error))
    finally:
        shutil.rmtree(copy, ignore_errors=True)
        tools.forget(prefix)


def _run(
    request: ProofRequest,
    checks: tuple[Check, ...],
    tools: Tools,
    progress: Progress,
    sabotages: tuple[Sabotage, ...] = (),
    target: Target | None = None,
    image_prefix: str | None = None,
) -> Ended:
    ended = runner.run(
        Request(
            target=target or request.target,
            profile=next((s.profile for s in sabotages if s.profile), request.profile),
            checks=checks,
            runs=request.folder / "runs",
            narrowed=f"to prove {' and '.join(s.id for s in sabotages)}" if sabotages else _HEALTHY,
            sabotages=sabotages,
            image_prefix=image_prefix,
            suites=request.suites,
            advisories=request.advisories,
            baseline=request.baseline,
        ),
        tools,
        progress,
    )
    if ended.stopped:
        raise Stopped(ended.stopped)
    return ended


def _copy(folder: Path, copy: Path) -> None:
    """The system's files with owners and modes, so that mounted secrets stay readable by those who need them."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for entry in folder.iterdir():
        if entry.name in _LEFT_OUT:
            continue
        if entry.name in _SHARED:
            (copy / entry.name).symlink_to(entry.resolve())
        else:
            shell.run(["cp", "-a", str(entry), str(copy)]).check(
                f"copying {entry}", "check the space on the disk: df -h"
            )


def _edit(folder: Path, edit: dict[str, str]) -> None:
    path = folder / edit["file"]
    if not path.resolve().is_relative_to(folder.resolve()):
        raise NotPutInError(f"{edit['file']}: is no file of the system, and only a copy of the system is edited")
    if not path.is_file():
        raise NotPutInError(f"{edit['file']}: there is no such file in the system")
    text, find = path.read_bytes(), edit["find"].encode()
    times = text.count(find)
    if times != 1:
        raise NotPutInError(f"{edit['file']}: {edit['find']!r} is there {times} times, must be once")
    path.write_bytes(text.replace(find, edit["with"].encode()))


def named_files(folder: Path, name: str, target: Target) -> tuple[Path, ...]:
    """The files that a key of readiness.toml, `{metrics.rules}` or `{documentation.subjects.contacts}`, names in this folder;
    none when the target has no such key."""
    named: Any = target
    for key in name.strip("{}").split("."):
        named = named.get(key, ()) if isinstance(named, Mapping) else getattr(named, key, ())
    globs = (named,) if isinstance(named, str) else named
    return tuple(sorted({path for glob in globs for path in folder.glob(glob)}))


def _edit_everywhere(folder: Path, edit: dict[str, str], target: Target) -> None:
    """Every match of `pattern` in the files that a key of readiness.toml names, replaced: a defect that fits any system."""
    times = 0
    for path in named_files(folder, edit["file"], target):
        text, count = re.subn(edit["pattern"], edit["with"], path.read_text())
        path.write_text(text)
        times += count
    if not times:
        raise NotPutInError(f"{edit['file']}: {edit['pattern']!r} matches nothing in the files that it names")
