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
from gate.redact import Redactor

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
    suites: str
    keep: bool = False
    sabotage: Sabotage | None = None
    image_prefix: str | None = None
    advisories: str | None = None
    baseline: tuple[str, ...] = ()

    @property
    def findings(self) -> Path:
        return Path(self.run_folder) / "lanes" / f"{self.lane}.ndjson"

    @property
    def file(self) -> Path:
        """Its own file, beside the findings."""
        return self.findings.with_suffix(".json")

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started

    def save(self) -> Path:
        """Write it to its file and return the path for READYGATE_LANE."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(asdict(self), indent=1))
        return self.file


_CONTEXT = TypeAdapter(LaneContext)
_VALUES: dict[str, TypeAdapter[Json]] = {
    "result": TypeAdapter(CheckResult),
    "problem": TypeAdapter(str),
    "running": TypeAdapter(str),
    "phase": TypeAdapter(tuple[str, float]),
    "notice": TypeAdapter(str),
    "fact": TypeAdapter(tuple[str, Json]),
    "sealed": TypeAdapter(None),
}


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
    notices: tuple[str, ...] = ()
    facts: tuple[tuple[str, Json], ...] = ()
    running: str | None = None
    sealed: bool = False


class Reporter:
    """Appends findings to the lane's file, one line each, without secrets, flushed at once."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._redactor = redactor
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

    def notice(self, sentence: str) -> None:
        """What whoever waits for the lane wants to know now, such as how long something will take."""
        self._write("notice", sentence)

    def fact(self, name: str, value: Json) -> None:
        """Something about the judged system's identity, such as its image digests."""
        self._write("fact", [name, value])

    def seal(self) -> None:
        """Say that the lane reached its own end."""
        self._write("sealed", None)
        self._file.close()

    def _write(self, kind: str, value: Json) -> None:
        self._file.write(json.dumps({"kind": kind, "value": self._redactor.json(value)}) + "\n")
        self._file.flush()


def read(path: Path) -> Findings:
    """All complete lines of a lane's file. A last line cut off by a crash is left out, never guessed; any other that
    cannot be read is a problem of the lane, so that the rest of its findings is not lost."""
    results: dict[str, CheckResult] = {}
    problems: list[str] = []
    phases: list[tuple[str, float]] = []
    notices: list[str] = []
    facts: list[tuple[str, Json]] = []
    running: str | None = None
    sealed = False
    *lines, _cut_off = path.read_bytes().split(b"\n") if path.exists() else [b""]
    for number, line in enumerate(lines, 1):
        try:
            kind, value = _entry(line)
        except ValueError:
            problems.append(f"line {number} of its findings cannot be read")
            continue
        match kind:
            case "result":
                results[value.id] = value
                running = None
            case "problem":
                problems.append(value)
            case "running":
                running = value
            case "phase":
                phases.append((value[0], value[1]))
            case "notice":
                notices.append(value)
            case "fact":
                facts.append((value[0], value[1]))
            case "sealed":
                sealed = True
    return Findings(
        tuple(results.values()), tuple(problems), tuple(phases), tuple(notices), tuple(facts), running, sealed
    )


def _entry(line: bytes) -> tuple[str, Json]:
    """Kind and value of a line. Raises ValueError for anything that a Reporter does not write."""
    entry = json.loads(line)
    if not isinstance(entry, dict) or entry.keys() != {"kind", "value"}:
        raise ValueError("no finding")
    kind, value = entry["kind"], entry["value"]
    if not isinstance(kind, str) or kind not in _VALUES:
        raise ValueError(f"a finding of the unknown kind {kind!r}")
    return kind, _VALUES[kind].validate_python(value)
