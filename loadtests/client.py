"""A client of the system: submits, asks, lists, fetches, cancels. What to send stands in the order."""

from __future__ import annotations

import ssl
import time
import uuid
from typing import Any

from locust import FastHttpUser

from loadtests.order import ORDER, at, authorisation, filled
from loadtests.record import RECORD, Job

_NO_VALUE = (KeyError, IndexError, TypeError, ValueError)


def said(response: Any) -> str:  # noqa: ANN401
    """Why a response is a failure: its status, or what kept it from coming."""
    return f"answered {response.status_code}" if response.status_code else str(response.error)


class NamedContext(ssl.SSLContext):
    """Expects the certificate's own name, whatever address the connection went to."""

    def wrap_socket(self, sock: Any, *args: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401
        if ORDER.get("host"):
            options["server_hostname"] = ORDER["host"]
        return super().wrap_socket(sock, *args, **options)


def trust() -> ssl.SSLContext:
    """What the system's certificate is held against: its own authority, or this machine's."""
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    if ORDER.get("ca_file"):
        context.load_verify_locations(ORDER["ca_file"])
    else:
        context.load_default_certs()
    return context


class Client(FastHttpUser):
    """What every kind of user does. Nothing is sent twice but on purpose."""

    abstract = True
    insecure = False
    ssl_context_factory = staticmethod(trust)
    network_timeout = 10.0
    connection_timeout = 3.0
    default_headers = {"Host": ORDER["host"]} if ORDER.get("host") else {}

    def submit(self, tenant: str, text: str, *, due: float | None = None, phase: str = "") -> Job:
        """Submit a new job; without an `id` it was not taken. It counts from `due`, now where there is no schedule."""
        now = time.time()
        job = Job(uuid.uuid4().hex, now, due=now if due is None else due, tenant=tenant, phase=phase)
        RECORD.jobs.append(job)
        RECORD.now().submitted += 1
        job.id = self.hand_in(job, text)
        if job.id is not None:
            job.acknowledged = time.time()
        return job

    def hand_in(self, job: Job, text: str) -> str | None:
        """Send a job under its key, for the first time or again, and return the id that was answered."""
        placeholders = {"key": job.key, "text": text}
        with self.client.request(
            ORDER["submit_method"],
            ORDER["submit_path"],
            json=filled(ORDER["body"], placeholders),
            headers={**authorisation(job.tenant), **filled(ORDER["headers"], placeholders)},
            catch_response=True,
        ) as response:
            job.status = response.status_code
            if response.status_code in ORDER.get("refused", ()):
                RECORD.now().refused += 1
                job.retry_after = response.headers.get("Retry-After")
                if job.retry_after is None:
                    response.failure(f"{said(response)} without Retry-After")
                else:
                    response.success()
                return None
            if response.status_code not in ORDER["accepted"]:
                response.failure(said(response))
                return None
            try:
                return str(at(response.json(), ORDER["id_pointer"]))
            except _NO_VALUE as error:
                response.failure(f"no job id in the answer: {error!r}")
                return None

    def ask(self, job: Job) -> bool:
        """Ask once about a job; whether it has ended."""
        path, asked = ORDER["status_path"], time.time()
        with self.client.get(
            path.replace("{id}", str(job.id)), name=path, headers=authorisation(job.tenant), catch_response=True
        ) as response:
            try:
                state = str(at(response.json(), ORDER["state_pointer"])) if response.status_code == 200 else None
            except _NO_VALUE as error:
                response.failure(f"no state in the answer: {error!r}")
                return False
            if state is None:
                response.failure(said(response))
                return False
        now = time.time()
        job.state = state
        if state in ORDER["running"]:
            job.running, job.held = job.running or now, asked
        if state in ORDER["pending"]:
            return False
        job.finished = now
        RECORD.now().ended += 1
        self._tell(job, now)
        return True

    def get(self, path: str, tenant: str, *, name: str, allowed: tuple[int, ...] = (200,)) -> None:
        """GET what is no job's state."""
        with self.client.get(path, name=name, headers=authorisation(tenant), catch_response=True) as response:
            if response.status_code in allowed:
                response.success()
            else:
                response.failure(said(response))

    def _tell(self, job: Job, now: float) -> None:
        """Fire the job's times as Locust's own metrics: as a whole from when it was due, and by stage."""
        wanted = {*ORDER["succeeded"], *ORDER.get("cancelled", ())}
        failure = None if job.state in wanted else RuntimeError(f"the job ended {job.state}")
        promised = job.acknowledged or now
        times = {"end-to-end": now - (job.due or promised)}
        if job.running is not None:
            times |= {"queued": job.running - promised, "processing": now - job.running}
        for name, seconds in times.items():
            RECORD.took(f"JOB {name}", seconds)
            self.environment.events.request.fire(
                request_type="JOB",
                name=name,
                response_time=seconds * 1000,
                response_length=0,
                exception=failure,
                context={},
            )
