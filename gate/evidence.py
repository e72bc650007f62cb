"""What a check observed: append-only, redacted before it is written, every attachment hashed.

Each record goes to the check's evidence file at once, so a crash leaves what was seen until then.
"""

from __future__ import annotations

import hashlib
import json
import math
import operator
import re
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from gate.finding import Finding
from gate.model import Attachment, Json, Limit, Measurement, Moment, Series
from gate.percentiles import needed
from gate.redact import Redactor
from gate.text import BLOCK, LINE, LINES

_SERIES_POINTS = 2_000  # as report.md has it: beyond, minimum and maximum of each bucket are kept, so no spike is lost
_RECORD = "evidence.ndjson"
_VALUE_CHARACTERS = 20_000  # of one value in results.json; more belongs into an attachment
_SAMPLES = 50  # of one measurement in results.json: enough to compare two runs by; all are in the evidence file
_FINDINGS = 1_000  # of one check in results.json, so that it stays readable; all are in the evidence file


class Evidence:
    """The recorder of one check. `elapsed` gives seconds since the run began."""

    def __init__(self, check: str, run_folder: Path, elapsed: Callable[[], float], redactor: Redactor) -> None:
        self._run_folder = run_folder
        self._folder = run_folder / "evidence" / check
        self._folder.mkdir(parents=True, exist_ok=True)
        self._elapsed = elapsed
        self._redactor = redactor
        self.observations = 0
        self.values: dict[str, Json] = {}
        self.measurements: list[Measurement] = []
        self.timeline: list[Moment] = []
        self.all_series: list[Series] = []
        self.attachments: list[Attachment] = []
        self.findings: list[Finding] = []

    def observed(self, count: int, what: str) -> None:
        """Count `count` more things that the check really looked at; they go against its minimum."""
        if operator.index(count) < 0:
            raise ValueError("a count of observations cannot be negative")
        self.observations += count
        self._append("observed", [count, what])

    def value(self, name: str, value: Json) -> None:
        """Keep a JSON value as evidence. A large one is cut in the report and attached whole."""
        name, clean = self._redactor.text(name), self._redactor.json({name: value})
        clean = next(iter(clean.values()))
        text = json.dumps(clean, ensure_ascii=False)
        if len(text) > _VALUE_CHARACTERS:
            attachment = self.attach(f"{name}.json", text)
            clean = f"{len(text)} characters, in {attachment.path}"
        self.values[name] = clean
        self._append("value", [name, clean])

    def measure(
        self, name: str, samples: float | Sequence[float], unit: str, limit: Limit | None = None
    ) -> Measurement:
        """Record a number, or the worst of several with their spread. A broken limit fails the check by itself.

        Raises ValueError without samples or with one that is not a finite number: neither can be judged.
        """
        numbers = [float(samples)] if isinstance(samples, (int, float)) else [float(s) for s in samples]
        if not numbers or not all(map(math.isfinite, numbers)):
            raise ValueError(f"{name}: needs at least one finite number, got {numbers[:5]}")
        worst = min(numbers) if limit and limit.direction == "min" else max(numbers)
        measurement = Measurement(
            name=self._redactor.text(name),
            value=worst,
            unit=unit,
            limit=limit.value if limit else None,
            direction=limit.direction if limit else "max",
            reason=limit.reason if limit else "",
            n=len(numbers),
            median=statistics.median(numbers),
            p95=_percentile(numbers, 95),
            p99=_percentile(numbers, 99),
            worst=worst,
            limit_name=limit.name if limit else "",
            samples=_thinned(numbers),
        )
        self.measurements.append(measurement)
        self._append("measure", [name, numbers, unit, measurement.limit])
        return measurement

    def event(self, kind: str, label: str) -> float:
        """Note that something happened now; returns when, in seconds after the run began."""
        moment = Moment(self._elapsed(), self._redactor.text(kind), self._redactor.text(label))
        self.timeline.append(moment)
        self._append("event", [moment.t, moment.kind, moment.label])
        return moment.t

    def moment(self, kind: str, label: str, at: float) -> float:
        """Note that something happened at a moment of CLOCK_MONOTONIC; returns when, in seconds after the run began."""
        moment = Moment(self.clock(at), self._redactor.text(kind), self._redactor.text(label))
        self.timeline.append(moment)
        self._append("moment", [moment.t, moment.kind, moment.label])
        return moment.t

    def clock(self, at: float) -> float:
        """A moment of CLOCK_MONOTONIC in seconds after the run began: the time of series and timeline."""
        return self._elapsed() - (time.monotonic() - at)

    def series(self, name: str, unit: str, points: Iterable[tuple[float, float]]) -> None:
        """Keep a time series: all points in a file, reduced ones in the results.

        Raises ValueError for a point that is not finite: leave it out, so that the gap is seen.
        """
        raw = [(float(t), float(v)) for t, v in points]
        if not all(math.isfinite(number) for point in raw for number in point):
            raise ValueError(f"{name}: every point needs a finite time and value")
        name = self._redactor.text(name)
        if len(raw) > _SERIES_POINTS:
            self.attach(f"{name}.series.json", json.dumps(raw))
        self.all_series.append(Series(name, unit, _reduced(raw)))
        self._append("series", [name, unit, len(raw)])

    def attach(self, name: str, content: str | bytes) -> Attachment:
        """Keep a file of evidence, without secrets. Bytes that are no UTF-8 text stay as they are: give none with secrets."""
        name, data = self._redactor.text(name), self._without_secrets(content)
        path = self._new_path(re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip(".-")[:100] or "attachment")
        path.write_bytes(data)
        relative = str(path.relative_to(self._run_folder))
        attachment = Attachment(name, relative, hashlib.sha256(data).hexdigest(), len(data), _excerpt(name, data))
        self.attachments.append(attachment)
        self._append("attach", [name, attachment.path, attachment.sha256])
        return attachment

    def finding(self, finding: Finding) -> Finding:
        """Keep what a scanner found, without secrets. It does not fail the check by itself. Beyond 1000 of one check they are
        in its evidence file only."""
        clean = Finding(**self._redactor.json(asdict(finding)))
        if len(self.findings) < _FINDINGS:
            self.findings.append(clean)
        self._append("finding", asdict(clean))
        return clean

    def redacted(self, text: str) -> str:
        """`text` without secrets."""
        return self._redactor.text(text)

    def _without_secrets(self, content: str | bytes) -> bytes:
        try:
            text = content if isinstance(content, str) else content.decode()
        except UnicodeDecodeError as error:
            return error.object
        return self._redactor.text(text).encode("utf-8", "replace")

    def _new_path(self, file: str) -> Path:
        """A path of this name that is not taken: what was kept once is never written over."""
        path = self._folder / file
        number = 1
        while path.exists() or path.name == _RECORD:
            number += 1
            path = self._folder / f"{number}-{file}"
        return path

    def _append(self, kind: str, value: Json) -> None:
        record = {"t": round(self._elapsed(), 3), "kind": kind, "value": self._redactor.json(value)}
        with (self._folder / _RECORD).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def _percentile(numbers: Sequence[float], percent: int) -> float | None:
    """Nearest-rank percentile, or None with too few samples for it to mean anything."""
    if len(numbers) < needed(percent):
        return None
    return sorted(numbers)[math.ceil(len(numbers) * percent / 100) - 1]


def _thinned(numbers: Sequence[float]) -> tuple[float, ...]:
    """The numbers in order of size; of more than results.json keeps, evenly chosen ranks, both ends among them."""
    ranked = sorted(numbers)
    last = len(ranked) - 1
    if last < _SAMPLES:
        return tuple(ranked)
    return tuple(ranked[round(rank * last / (_SAMPLES - 1))] for rank in range(_SAMPLES))


def _excerpt(name: str, data: bytes) -> str:
    """The last lines of a text, where what went wrong is said; nothing of files for programs."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    if "\0" in text or name.endswith(".json"):
        return ""
    lines = text.rstrip().splitlines()[-LINES:]
    return "\n".join(line if len(line) <= LINE else f"{line[:LINE]} …" for line in lines)[-BLOCK:]


def _reduced(points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    if len(points) <= _SERIES_POINTS:
        return tuple(points)
    size = math.ceil(len(points) / (_SERIES_POINTS // 2))
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        bucket = points[start : start + size]
        low, high = min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])
        kept += sorted({low, high})
    return tuple(kept)
