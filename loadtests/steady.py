"""N concurrent jobs, each followed to its end: a plain Locust file, runnable by hand.

    READYGATE_LOAD=contract.json READYGATE_TOKEN=... locust -f loadtests/steady.py --headless -u 5 -r 5 -t 60s --host URL

READYGATE_LOAD names a JSON file with the job contract and, in `jobs`, how many jobs to submit (0: until the time is up);
in `result`, where to write what happened. Every user has one job under way at a time (a closed model). Beside the
requests, Locust's statistics show three times per job, of type JOB: queued, processing (both as seen by polling) and
end-to-end (from the promise to the end).
"""

from __future__ import annotations

import json
import os
import ssl
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, constant, events, task
from locust.env import Environment

POLL_S = 0.2
CONTRACT: dict[str, Any] = json.loads(Path(os.environ["READYGATE_LOAD"]).read_text())
TOKEN = os.environ.get("READYGATE_TOKEN", "")


@dataclass
class Job:
    """One submission; times are seconds of the epoch, None for what was not seen."""

    key: str
    submitted: float
    id: str | None = None
    acknowledged: float | None = None
    running: float | None = None
    held: float | None = None  # when the last question left that was answered with `running`
    finished: float | None = None
    state: str | None = None
    status: int = 0


@dataclass
class Second:
    """One second of the generator: what it did, its share of one core, and how late it was at worst (seconds)."""

    t: int
    requests: int = 0
    failures: int = 0
    submitted: int = 0
    ended: int = 0
    slowest_ms: float = 0
    cpu: float = 0
    lag_s: float = 0


@dataclass
class Record:
    """Everything one load test saw."""

    started: float = field(default_factory=time.time)
    jobs: list[Job] = field(default_factory=list)
    seconds: list[Second] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    failures: int = 0
    cpu_before: float = field(default_factory=time.process_time)
    since: float = field(default_factory=time.monotonic)

    def now(self) -> Second:
        """The current second; closes the one before it, with its share of CPU."""
        second = int(time.time())
        if not self.seconds or self.seconds[-1].t != second:
            used, clock = time.process_time(), time.monotonic()
            if self.seconds:
                self.seconds[-1].cpu = (used - self.cpu_before) / max(clock - self.since, 0.001)
            self.cpu_before, self.since = used, clock
            self.seconds.append(Second(second))
        return self.seconds[-1]

    def write(self, path: Path) -> None:
        """Write it all at once, so that half a result can never be read as one."""
        self.now()
        draft = path.with_suffix(".draft")
        body = {
            "started": self.started,
            "finished": time.time(),
            "requests": self.requests,
            "failures": self.failures,
            "errors": self.errors,
            "jobs": [asdict(job) for job in self.jobs],
            "seconds": [asdict(second) for second in self.seconds],
            "sealed": True,
        }
        draft.write_text(json.dumps(body))
        draft.replace(path)


RECORD = Record()


def _count(request_type: str, name: str, response_time: float, exception: Exception | None, **_: Any) -> None:  # noqa: ANN401
    if request_type == "JOB":
        return
    second = RECORD.now()
    second.requests += 1
    second.slowest_ms = max(second.slowest_ms, response_time)
    RECORD.requests += 1
    if exception is not None:
        second.failures += 1
        RECORD.failures += 1
        line = f"{request_type} {name}: {exception}"[:300]
        RECORD.errors[line] = RECORD.errors.get(line, 0) + 1


def _seal(environment: Environment, **_: Any) -> None:  # noqa: ANN401, ARG001
    if CONTRACT.get("result"):
        RECORD.write(Path(CONTRACT["result"]))


events.request.add_listener(_count)  # type: ignore[no-untyped-call]
events.quitting.add_listener(_seal)  # type: ignore[no-untyped-call]


def at(document: Any, pointer: str) -> Any:  # noqa: ANN401
    """The value at a JSON pointer; KeyError, IndexError or TypeError when there is none."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def filled(value: Any, placeholders: dict[str, str]) -> Any:  # noqa: ANN401
    """A template with every `{name}` filled in, at any depth."""
    if isinstance(value, str):
        for name, text in placeholders.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, dict):
        return {key: filled(item, placeholders) for key, item in value.items()}
    return [filled(item, placeholders) for item in value] if isinstance(value, list) else value


def said(response: Any) -> str:  # noqa: ANN401
    """Why a response is a failure: its status, or what kept it from coming."""
    return f"answered {response.status_code}" if response.status_code else str(response.error)


class NamedContext(ssl.SSLContext):
    """Expects the certificate's own name, whatever address the connection went to."""

    def wrap_socket(self, sock: Any, *args: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401
        if CONTRACT.get("host"):
            options["server_hostname"] = CONTRACT["host"]
        return super().wrap_socket(sock, *args, **options)


def trust() -> ssl.SSLContext:
    """What the system's certificate is held against: its own authority, or this machine's."""
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    if CONTRACT.get("ca_file"):
        context.load_verify_locations(CONTRACT["ca_file"])
    else:
        context.load_default_certs()
    return context


class Client(FastHttpUser):
    """One client with one job under way."""

    wait_time = constant(POLL_S)
    insecure = False
    ssl_context_factory = staticmethod(trust)
    network_timeout = 10.0
    connection_timeout = 3.0
    default_headers = {  # noqa: RUF012  (Locust's own attribute)
        **({"Host": CONTRACT["host"]} if CONTRACT.get("host") else {}),
        **({"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}),
    }

    def on_start(self) -> None:
        self.job: Job | None = None
        self.due: float | None = None

    @task
    def step(self) -> None:
        """Submit a job, or ask once about the one under way; the next follows at once on its end."""
        if self.due is not None:
            second = RECORD.now()
            second.lag_s = max(second.lag_s, time.monotonic() - self.due)
        if self.job is not None:
            self._ask(self.job)
        if self.job is None:
            self._submit()
        self.due = time.monotonic() + POLL_S

    def _submit(self) -> None:
        wanted = CONTRACT.get("jobs", 0)
        if wanted and len(RECORD.jobs) >= wanted:
            self._end_when_all_have(wanted)
            return
        job = Job(uuid.uuid4().hex, time.time())
        RECORD.jobs.append(job)
        RECORD.now().submitted += 1
        placeholders = {"key": job.key, "text": CONTRACT["text"]}
        with self.client.request(
            CONTRACT["submit_method"],
            CONTRACT["submit_path"],
            json=filled(CONTRACT["body"], placeholders),
            headers=filled(CONTRACT["headers"], placeholders),
            catch_response=True,
        ) as response:
            job.status = response.status_code
            if response.status_code not in CONTRACT["accepted"]:
                response.failure(said(response))
                return
            try:
                job.id = str(at(response.json(), CONTRACT["id_pointer"]))
            except (KeyError, IndexError, TypeError, ValueError) as error:
                response.failure(f"no job id in the answer: {error!r}")
                return
            job.acknowledged = time.time()
            self.job = job

    def _ask(self, job: Job) -> None:
        path, asked = CONTRACT["status_path"], time.time()
        with self.client.get(path.replace("{id}", str(job.id)), name=path, catch_response=True) as response:
            try:
                state = str(at(response.json(), CONTRACT["state_pointer"])) if response.status_code == 200 else None
            except (KeyError, IndexError, TypeError, ValueError) as error:
                response.failure(f"no state in the answer: {error!r}")
                return
            if state is None:
                response.failure(said(response))
                return
        now = time.time()
        job.state = state
        if state in CONTRACT["running"]:
            job.running, job.held = job.running or now, asked
        if state not in CONTRACT["pending"]:
            self._ended(job, now)

    def _ended(self, job: Job, now: float) -> None:
        job.finished = now
        self.job = None
        RECORD.now().ended += 1
        failure = None if job.state in CONTRACT["succeeded"] else RuntimeError(f"the job ended {job.state}")
        promised = job.acknowledged or now
        times = {"end-to-end": now - promised}
        if job.running is not None:
            times |= {"queued": job.running - promised, "processing": now - job.running}
        for name, seconds in times.items():
            self.environment.events.request.fire(
                request_type="JOB",
                name=name,
                response_time=seconds * 1000,
                response_length=0,
                exception=failure,
                context={},
            )

    def _end_when_all_have(self, wanted: int) -> None:
        """End the test with the last job. Until then a user without a job stays: Locust need not shrink the crowd."""
        runner = self.environment.runner
        if runner is not None and sum(j.finished is not None or j.id is None for j in RECORD.jobs) >= wanted:
            # In a greenlet of its own: quit() waits for every user to stop, and this is one of them.
            gevent.spawn(runner.quit)
