"""N concurrent jobs, each followed to its end: a plain Locust file, runnable by hand in the folder of a readiness.toml.

    READYGATE_TOKEN=... locust -f loadtests/steady.py --headless -u 5 -r 5 -t 60s --host URL

Every user has one job under way at a time (a closed model). Of the order (READYGATE_LOAD), `jobs` says how many jobs to submit
(0: until the time is up), `patience_s` after how long without any end to give up, `poll_s` how often to ask. Beside requests,
Locust's statistics show three times per job, of type JOB: queued, processing (both as seen by polling) and end-to-end.
"""

from __future__ import annotations

import time

import gevent
from locust import constant, task

from loadtests.client import Client
from loadtests.order import ORDER
from loadtests.record import RECORD, Job

POLL_S = 0.2
EVERY_S = float(ORDER.get("poll_s", POLL_S))


class Steady(Client):
    """One client with one job under way."""

    wait_time = constant(EVERY_S)

    def on_start(self) -> None:
        self.job: Job | None = None
        self.due: float | None = None

    @task
    def step(self) -> None:
        """Submit a job, or ask once about the one under way; the next follows at once on its end."""
        if self.due is not None:
            RECORD.late(time.monotonic() - self.due)
        if self.job is not None and self.ask(self.job):
            self.job = None
        if self.job is None:
            self._next()
        self._give_up_when_nothing_ends()
        self.due = time.monotonic() + EVERY_S

    def _next(self) -> None:
        wanted = ORDER.get("jobs", 0)
        if wanted and len(RECORD.jobs) >= wanted:
            self._end_when_all_have(wanted)
            return
        job = self.submit(ORDER["tenants"][0], ORDER["text"])
        self.job = job if job.id is not None else None

    def _end_when_all_have(self, wanted: int) -> None:
        """End the test with the last job. Until then a user without a job stays: Locust need not shrink the crowd."""
        if sum(j.finished is not None or j.id is None for j in RECORD.jobs) >= wanted:
            self._quit()

    def _give_up_when_nothing_ends(self) -> None:
        """Where no job ends, more time would show no more."""
        patience = ORDER.get("patience_s", 0)
        last = max([RECORD.started, *(job.finished for job in RECORD.jobs if job.finished is not None)])
        if patience and time.time() - last > patience:
            self._quit()

    def _quit(self) -> None:
        runner = self.environment.runner
        if runner is not None:
            # In a greenlet of its own: quit() waits for every user to stop, and this is one of them.
            gevent.spawn(runner.quit)
