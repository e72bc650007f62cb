"""What a lane's own pytest process has to know, handed over as one JSON file, and what it hands back as JSON lines.

The lines are the only way a lane's findings leave its process: a lane that crashes leaves all it had found by then.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from gate.model import CheckResult, Json, Sabotage

VARIABLE = "READYGATE_LANE"


@dataclass(frozen=True, slots=True)
class LaneContext:
    """One lane of one run. `started` is the run's start on CLOCK_MONOTONIC (seconds), which all its processes share."""

    run: str
    run_folder: str
    lane: str
    target: str
    profile: str
    checks: tuple[str, ...]
    started: float
    owner: str
    keep: bool = False
    sabotage: Sabotage | None = None
    image_prefix: str | None = None

    @property
    def findings(self) -> Path:
        return Path(self.run_folder) / "lanes" / f"{self.lane}.ndjson"

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started

    def save(self) -> Path:
        """Write it beside the findings and return the path for READYGATE_LANE."""
        path = self.findings.with_suffix(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))
        return path


_CONTEXT = TypeAdapter(LaneContext)
_RESULT = TypeAdapter(CheckResult)


def current() -> LaneContext | None:
    """The lane that this process is, from READYGATE_LANE; None outside a run."""
    path = os.environ.get(VARIABLE)
    return _CONTEXT.validate_json(Path(path).read_text()) if path else None


@dataclass(frozen=True, slots=True)
class Findings:
    """What a lane has said so far, in the order it said it."""

    results: tuple[CheckResult, ...] = ()
    problems: tuple[str, ...] = ()
    phases: tuple[tuple[str, float], ...] = ()
    facts: tuple[tuple[str, Json], ...] = ()
    running: str | None = None
    sealed: bool = False


class Reporter:
    """Appends findings to the lane's file, one line each, flushed at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def result(self, result: CheckResult) -> None:
        self._write("result", asdict(result))

    def problem(self, sentence: str) -> None:
        self._write("problem", sentence)

    def running(self, check: str) -> None:
        self._write("running", check)

    def phase(self, name: str, seconds: float) -> None:
        """A part of the lane's own time, such as the start of its stack."""
        self._write("phase", [name, seconds])

    def fact(self, name: str, value: Json) -> None:
        """Something about the judged system's identity, such as its image digests."""
        self._write("fact", [name, value])

    def seal(self) -> None:
        """Say that the lane reached its own end."""
        self._write("sealed", None)
        self._file.close()

    def _write(self, kind: str, value: Json) -> None:
        self._file.write(json.dumps({"kind": kind, "value": value}) + "\n")
        self._file.flush()


def read(path: Path) -> Findings:
    """All complete lines of a lane's file. A last line cut off by a crash is left out, never guessed."""
    results: dict[str, CheckResult] = {}
    problems: list[str] = []
    phases: list[tuple[str, float]] = []
    facts: list[tuple[str, Json]] = []
    running: str | None = None
    sealed = False
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else ():
        if not line.endswith("\n"):
            break
        entry = json.loads(line)
        value = entry["value"]
        match entry["kind"]:
            case "result":
                result = _RESULT.validate_python(value)
                results[result.id] = result
                running = None
            case "problem":
                problems.append(value)
            case "running":
                running = value
            case "phase":
                phases.append((value[0], value[1]))
            case "fact":
                facts.append((value[0], value[1]))
            case "sealed":
                sealed = True
            case unknown:
                raise ValueError(f"{path}: a line of the unknown kind {unknown!r}")
    return Findings(tuple(results.values()), tuple(problems), tuple(phases), tuple(facts), running, sealed)
