"""Everything one load test saw: each job, each second, and the times of all requests in HDR histograms.

Times are kept twice where requests come on schedule: from when a request was sent, and (`… due`) from when it was to be
sent. Whoever looks only at the first does not see the users who waited because the one before them did.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gevent
from hdrh.histogram import HdrHistogram
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.order import ORDER
from loadtests.starved import starve

LONGEST_US = 3_600_000_000
FIGURES = 3
LAG = "generator lag"


@dataclass
class Job:
    """One submission; times are seconds of the epoch, None for what was not seen. `due`: when it was to be sent."""

    key: str
    submitted: float
    id: str | None = None
    acknowledged: float | None = None
    running: float | None = None
    held: float | None = None  # when the last question left that was answered with `running`
    finished: float | None = None
    state: str | None = None
    status: int = 0
    due: float | None = None
    tenant: str = ""
    phase: str = ""
    retry_after: str | None = None


@dataclass
class Second:
    """One second of the generator: what it did, its share of one core, and how late it was at worst (seconds)."""

    t: int
    requests: int = 0
    failures: int = 0
    submitted: int = 0
    ended: int = 0
    refused: int = 0
    p50_ms: float = 0
    p95_ms: float = 0
    slowest_ms: float = 0
    cpu: float = 0
    lag_s: float = 0


@dataclass
class Phase:
    """A part of the load and when it was, seconds of the epoch."""

    name: str
    began: float
    ended: float | None = None


@dataclass
class Record:
    """What one process saw."""

    started: float = field(default_factory=time.time)
    jobs: list[Job] = field(default_factory=list)
    seconds: list[Second] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    failures: int = 0
    unanswered: int = 0
    cpu_before: float = field(default_factory=time.process_time)
    since: float = field(default_factory=time.monotonic)
    histograms: dict[str, HdrHistogram] = field(
        default_factory=lambda: defaultdict(lambda: HdrHistogram(1, LONGEST_US, FIGURES))
    )
    _times_ms: list[float] = field(default_factory=list)

    def now(self) -> Second:
        """The current second; closes the one before it, with its share of CPU and its percentiles."""
        second = int(time.time())
        if not self.seconds or self.seconds[-1].t != second:
            used, clock = time.process_time(), time.monotonic()
            if self.seconds:
                self._close(self.seconds[-1], (used - self.cpu_before) / max(clock - self.since, 0.001))
            self.cpu_before, self.since = used, clock
            self.seconds.append(Second(second))
        return self.seconds[-1]

    def _close(self, second: Second, cpu: float) -> None:
        second.cpu = cpu
        times = sorted(self._times_ms)
        if times:
            second.p50_ms = times[len(times) // 2]
            second.p95_ms = times[min(len(times) - 1, len(times) * 95 // 100)]
            second.slowest_ms = times[-1]
        self._times_ms = []

    def took(self, name: str, seconds: float) -> None:
        """Keep a time under a name; below a microsecond or above an hour it is that."""
        self.histograms[name].record_value(min(max(1, round(seconds * 1e6)), LONGEST_US))

    def late(self, seconds: float) -> None:
        """Note that the generator itself did something later than it was due."""
        second = self.now()
        second.lag_s = max(second.lag_s, seconds)
        self.took(LAG, seconds)

    def request(self, name: str, milliseconds: float, problem: str | None) -> None:
        """Count one HTTP request. `problem`: why it counts as failed."""
        second = self.now()
        second.requests += 1
        self.requests += 1
        self._times_ms.append(milliseconds)
        self.took(name, milliseconds / 1000)
        if problem is not None:
            second.failures += 1
            self.failures += 1
            line = f"{name}: {problem}"[:300]
            self.errors[line] = self.errors.get(line, 0) + 1

    def enter(self, name: str) -> None:
        """Another phase begins, and the one before it ends."""
        self.leave()
        self.phases.append(Phase(name, time.time()))

    def leave(self) -> None:
        """The phase ends."""
        if self.phases and self.phases[-1].ended is None:
            self.phases[-1].ended = time.time()

    def write(self, path: Path) -> None:
        """Write it all at once, so that half a result can never be read as one."""
        self.now()
        self._close(self.seconds[-1], self.seconds[-1].cpu)
        self.leave()
        draft = path.with_suffix(".draft")
        body = {
            "started": self.started,
            "finished": time.time(),
            "requests": self.requests,
            "failures": self.failures,
            "errors": self.errors,
            "jobs": [asdict(job) for job in self.jobs],
            "seconds": [asdict(second) for second in self.seconds],
            "phases": [asdict(phase) for phase in self.phases],
            "histograms": {name: found.encode().decode() for name, found in self.histograms.items()},
            "sealed": True,
        }
        draft.write_text(json.dumps(body))
        draft.replace(path)


RECORD = Record()


def part(path: Path, index: int) -> Path:
    """Where a worker of a distributed test writes what it saw."""
    return path.with_name(f"{path.stem}.{index}{path.suffix}")


def _count(request_type: str, name: str, response_time: float, exception: Exception | None, **_: Any) -> None:  # noqa: ANN401
    if request_type != "JOB":
        RECORD.request(f"{request_type} {name}", response_time, None if exception is None else str(exception))


def _broke_off(exception: Exception, **_: Any) -> None:  # noqa: ANN401
    RECORD.request("USER", 0.0, f"broke off: {exception!r}")


def _seal(environment: Environment, **_: Any) -> None:  # noqa: ANN401
    if not ORDER.get("result") or isinstance(environment.runner, MasterRunner):
        return
    path = Path(ORDER["result"])
    if isinstance(environment.runner, WorkerRunner):
        path = part(path, environment.runner.worker_index)
    RECORD.write(path)


def _starve(**_: Any) -> None:  # noqa: ANN401
    if ORDER.get("starved"):
        gevent.spawn(starve)


events.test_start.add_listener(_starve)  # type: ignore[no-untyped-call]
events.request.add_listener(_count)  # type: ignore[no-untyped-call]
events.user_error.add_listener(_broke_off)  # type: ignore[no-untyped-call]
events.quitting.add_listener(_seal)  # type: ignore[no-untyped-call]
