"""One run from its first unverified result to its sealed one: lanes side by side, progress, clean-up.

Refuses to know what a check means. results.json exists from the first second with every expected check unverified, and is
replaced whenever a check ends: a run that is cut off is a valid file that says so.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

from gate import controls, lanes, owner, remember, results, waivers
from gate.errors import CouldNotRunError, Stopped
from gate.formats import FORMATS
from gate.judge import NOT_REACHED
from gate.lane import LaneContext
from gate.lane_process import SUITES, LaneProcess, now
from gate.model import Check, CheckResult, Control, Json, Moment, Outcome, Run, Sabotage, Verdict, Waiver
from gate.progress import Progress
from gate.target import Target
from gate.tools import Tools
from gate.verdict import decide

RUNS = Path(".readygate") / "runs"
WAIVERS = "waivers.toml"
_POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do. `narrowed` says how it was narrowed, None for a whole run, and `left_out` what it has not of
    the checks of its profile; `runs` is where run folders go; `sabotages` go into the stacks of the lanes whose checks they
    name, at most one into each; `image_prefix` keeps the images of a sabotaged copy apart from the healthy ones; `suites` is
    the folder of the checks; `controls` are those whose standing the results tell; `advisories` is where they come from, and
    `baseline` what earlier runs it is held against, instead of what readiness.toml says; `history` is the folder of the runs
    before it, None for one that belongs into no history."""

    target: Target
    profile: str
    checks: tuple[Check, ...]
    runs: Path
    narrowed: str | None = None
    left_out: tuple[str, ...] = ()
    keep: bool = False
    sabotages: tuple[Sabotage, ...] = ()
    image_prefix: str | None = None
    suites: Path = SUITES
    controls: tuple[Control, ...] = ()
    advisories: str | None = None
    baseline: tuple[str, ...] = ()
    history: Path | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A finished run: its verdict, where its files are, and the signal that ended it early, if one did."""

    run: Run
    verdict: Verdict
    folder: Path
    stopped: int | None = None


def run(request: Request, tools: Tools, progress: Progress) -> Ended:
    """Run to the end. Raises CouldNotRunError when the machine or the system's preparation refuses, with nothing left
    behind, and Stopped at a second signal, when only `readygate clean` is promised to tidy up."""
    began = time.monotonic()
    waived = waivers.load(request.target.folder / WAIVERS, today())
    state = _first(request, tools)
    folder = _folder(request.runs, state.id)
    state = remember.recall(state, request.history, progress.say)
    _save(state, folder)
    processes: list[LaneProcess] = []
    stopped: int | None = None
    with _signals_raised():
        try:
            with progress.step("prepare"):
                tools.prepare(request.target, request.image_prefix)
            for context in _contexts(request, state.id, folder, began):
                processes.append(LaneProcess.start(context))  # noqa: PERF401  (a signal in between must find the first)
            for changed in _looks(processes):
                if changed:
                    state = _merged(state, request, processes, waived)
                    _save(state, folder)
                    progress.update(state, processes)
                progress.waiting(processes)
        except Stopped as stop:
            stopped = stop.number
            progress.say(f"{stop}: taking the stacks down, then writing the report; once more leaves them to `clean`")
            _end(processes)
        except BaseException:
            _end(processes)
            _sweep(request, tools, state.id, progress)
            raise
        finally:
            progress.close()
        left = _sweep(request, tools, state.id, progress)
    state = replace(
        _merged(state, request, processes, waived, final=True),
        finished=now(),
        seconds=round(time.monotonic() - began, 3),
        sealed=stopped is None,
        events=tuple(Moment(time.monotonic() - began, "clean-up", what) for what in left),
    )
    state = remember.moved(state)
    verdict = _save(state, folder)
    tools.render(state, verdict, folder, FORMATS)
    remember.keep(state, verdict, request.history, tools, progress.say)
    return Ended(state, verdict, folder, stopped)


def today() -> date:
    """This day in UTC, by which waivers end."""
    return datetime.now(UTC).date()


def _end(processes: list[LaneProcess]) -> None:
    """Have every lane take its stack down, all at once."""
    for process in processes:
        process.ask_to_end()
    for process in processes:
        process.await_end()


def _sweep(request: Request, tools: Tools, run_id: str, progress: Progress) -> list[str]:
    """What lanes left behind and was removed. That it cannot be removed must not cost the run its results."""
    if request.keep:
        return []
    try:
        return [f"a lane left {what}; removed" for what in tools.sweep(run_id)]
    except CouldNotRunError as error:
        progress.say(f"not everything could be removed: {error}\nhint: readygate clean")
        return [f"could not be done: {error}"]


def _first(request: Request, tools: Tools) -> Run:
    return Run(
        id=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        started=now(),
        gate_version=version("readygate"),
        profile=request.profile,
        target=_identity(request.target),
        host=tools.host(),
        expected=tuple(check.id for check in request.checks),
        checks=tuple(_unverified(check, NOT_REACHED) for check in request.checks),
        narrowed=request.narrowed,
        left_out=request.left_out,
        standards=controls.standards() if request.controls else (),
        controls=request.controls,
    )


def _contexts(request: Request, run_id: str, folder: Path, began: float) -> Iterator[LaneContext]:
    for name, checks in lanes.assign(check.id for check in request.checks).items():
        yield LaneContext(
            run=run_id,
            run_folder=str(folder),
            lane=name,
            target=str(request.target.file),
            profile=request.profile,
            checks=checks,
            started=began,
            owner=owner.label(),
            suites=str(request.suites),
            keep=request.keep,
            sabotage=_sabotage_of(checks, request.sabotages),
            image_prefix=request.image_prefix,
            advisories=request.advisories,
            baseline=request.baseline,
        )


def _sabotage_of(checks: tuple[str, ...], sabotages: tuple[Sabotage, ...]) -> Sabotage | None:
    """The defect of a lane with these checks. Two in one stack would be taken for each other: ValueError."""
    mine = [sabotage for sabotage in sabotages if set(checks) & set(sabotage.expects)]
    if len(mine) > 1:
        raise ValueError(f"one stack cannot have two defects: {', '.join(sabotage.id for sabotage in mine)}")
    return mine[0] if mine else None


@contextmanager
def _signals_raised() -> Iterator[None]:
    """SIGINT and SIGTERM become Stopped in this thread, wherever it is."""

    def stop(number: int, _frame: object) -> None:
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _looks(processes: list[LaneProcess]) -> Iterator[bool]:
    """Look at every lane until the last has ended; each time, whether one of them changed."""
    while True:
        yield any([process.look() for process in processes])  # noqa: C419  (every lane has to be looked at)
        if all(process.status is not None for process in processes):
            return
        time.sleep(_POLL_S)


def _merged(
    state: Run, request: Request, processes: list[LaneProcess], waived: tuple[Waiver, ...], *, final: bool = False
) -> Run:
    """The run with what its lanes have said so far."""
    found = {result.id: result for process in processes for result in process.findings.results}
    lane_of = {check: process for process in processes for check in process.context.checks}
    checks = []
    for check in request.checks:
        if result := found.get(check.id):
            # What counts was fixed before the run: a suite cannot excuse itself by asking for less.
            minimum = max(check.minimum, result.minimum)
            checks.append(replace(result, required=check.required or result.required, minimum=minimum))
        else:
            ended = lane_of.get(check.id) if final else None
            checks.append(_unverified(check, ended.why_missing(check) if ended else NOT_REACHED))
    attached, unused = waivers.attach(checks, waived, today())
    facts = {name: value for process in processes for name, value in process.findings.facts}
    longest = max((process.seconds for process in processes), default=0.0)
    return replace(
        state,
        checks=tuple(attached),
        unused_waivers=tuple(unused),
        target={**state.target, **facts},
        lanes=tuple(process.summary(longest) for process in processes),
    )


def _unverified(check: Check, reason: str) -> CheckResult:
    return CheckResult.of(check, Outcome.UNVERIFIED, reason)


def _save(state: Run, folder: Path) -> Verdict:
    verdict = decide(state, today())
    results.write(state, verdict, folder / "results.json")
    return verdict


def _identity(target: Target) -> dict[str, Json]:
    waived = target.folder / WAIVERS
    return {
        "name": target.name,
        "title": target.title,
        "readiness_sha256": target.sha256,
        "waivers_sha256": hashlib.sha256(waived.read_bytes()).hexdigest() if waived.exists() else None,
        "release": dict(target.releases),
        **(target.documentation.identity(target.folder) if target.documentation else {}),
    }


def _folder(runs: Path, run_id: str) -> Path:
    """The run's own new folder, at which `latest` points."""
    folder, draft = runs / run_id, runs / f".latest.{os.getpid()}"
    try:
        folder.mkdir(parents=True)
        draft.unlink(missing_ok=True)
        draft.symlink_to(folder.name)
        draft.replace(runs / "latest")
    except OSError as error:
        raise CouldNotRunError(f"{folder} cannot be made: {error.strerror}", f"df -h; ls -ld {runs.parent}") from error
    return folder
