"""Users who come on their own schedule, however the system feels (an open model): jobs, looks and mistakes of several tenants.

    READYGATE_TOKEN=... locust -f loadtests/arrivals.py --headless -u 1 -t 120s --host URL

The schedule is `phases` of the order: each has a name, seconds, and streams of a kind (`jobs`, `looks`, `mistakes`), a
tenant and a rate. It is drawn before the start from `seed`, so that two runs send the same. Each Locust user is one whole
schedule: two of them are twice the load. A job's time counts from when it was due, not from when it could be sent.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import gevent
from locust import events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.client import Client, said
from loadtests.order import ORDER, authorisation
from loadtests.record import RECORD, Job
from loadtests.shapes import SIZES, phases

FIRST_POLL_S = 0.2
LONGEST_POLL_S = 5.0
POLL_SHARE = 0.1  # users ask more seldom the longer they wait; so much of a job's time is not known better


OVER = "schedule over"


class Arrival(NamedTuple):
    """Somebody who is due `at` seconds after the start."""

    at: float
    phase: str
    kind: str
    tenant: str
    draw: float  # what kind of user it is, from 0 to 1


def schedule(plan: list[dict[str, Any]], seed: int) -> list[Arrival]:
    """Everybody who is due, in order: of each stream as many as its rate says, at moments that know nothing of each other,
    which is a Poisson process of which the number is known."""
    chance = random.Random(seed)  # noqa: S311  # nosec B311: a schedule is no secret
    starts = [0.0, *accumulate(phase["seconds"] for phase in plan)]
    due = (
        Arrival(start + moment, phase["name"], stream["kind"], stream["tenant"], chance.random())
        for start, phase in zip(starts, plan, strict=False)
        for stream in phase["streams"]
        for moment in _moments(chance, stream["per_s"], phase["seconds"])
    )
    return sorted(due)


def _moments(chance: random.Random, per_s: float, seconds: float) -> Iterator[float]:
    for _ in range(round(per_s * seconds)):
        yield chance.uniform(0, seconds)


def text(draw: float) -> str:
    """A document of a size that users send: many short ones, few long ones."""
    size = next(size for share, size in SIZES if draw <= share)
    sentence: str = ORDER["text"]
    return (sentence * (size // len(sentence) + 1))[:size]


class Arrivals(Client):
    """Sends everybody off when they are due, and waits for none of them."""

    concurrency = 2000
    _known: list[str] = []  # noqa: RUF012  (ids that lookers look at, whoever submitted them)

    @task
    def follow_the_schedule(self) -> None:
        """Once through the schedule, then wait for the jobs under way, then end the test."""
        plan = ORDER.get("phases") or phases("steady", ORDER["tenants"])
        # Each Locust user of a test draws a schedule of its own, else all would come at the same moments.
        index = getattr(self.environment.runner, "worker_index", 0)
        due = schedule(plan, ORDER.get("seed", 1) + Arrivals._number() + 1000 * index)
        began, epoch = time.monotonic(), time.time()
        users, current = [], ""
        for arrival in due:
            gevent.sleep(max(0.0, began + arrival.at - time.monotonic()))
            if arrival.phase != current:
                current = arrival.phase
                RECORD.enter(current)
            RECORD.late(time.monotonic() - began - arrival.at)
            users.append(gevent.spawn(self._serve, arrival, epoch + arrival.at))
        end = sum(phase["seconds"] for phase in plan)
        gevent.sleep(max(0.0, began + end - time.monotonic()))
        RECORD.leave()
        gevent.joinall(users, timeout=ORDER.get("drain_s", 60))
        for user in users:
            if user.exception is not None:
                RECORD.request("USER", 0.0, f"broke off: {user.exception!r}")
        if ORDER.get("result"):
            _over(self.environment)
            gevent.sleep(3600)

    _users = 0

    @classmethod
    def _number(cls) -> int:
        cls._users += 1
        return cls._users

    def _serve(self, arrival: Arrival, due: float) -> None:
        began = time.time()
        {"jobs": self._job, "looks": self._look, "mistakes": self._mistake}[arrival.kind](arrival, due)
        if arrival.kind == "looks":
            RECORD.took(f"{arrival.phase}/{arrival.tenant}/look due", time.time() - due)
            RECORD.took(f"{arrival.phase}/{arrival.tenant}/look", time.time() - began)

    def _job(self, arrival: Arrival, due: float) -> None:
        """Submit, follow to the end with longer and longer pauses, fetch. Some send again what they sent; some think again."""
        job = self.submit(arrival.tenant, text(arrival.draw), due=due, phase=arrival.phase)
        RECORD.took(f"{arrival.phase}/{arrival.tenant}/submit due", time.time() - due)
        if job.id is None:
            return
        self._known.append(job.id)
        kind = int(arrival.draw * 1000) % 20
        if kind == 0 and ORDER["headers"]:
            again = self.hand_in(job, text(arrival.draw))
            if again not in {None, job.id}:
                RECORD.request("REPEAT", 0.0, f"the same key gave {again} after {job.id}")
        if kind == 1 and ORDER.get("cancel_path"):
            self._cancel(job)
        pause = FIRST_POLL_S
        while True:
            gevent.sleep(pause)
            if self.ask(job):
                break
            pause = min(LONGEST_POLL_S, max(FIRST_POLL_S, POLL_SHARE * (time.time() - job.submitted)))
        if ORDER.get("result_path") and job.state in ORDER["succeeded"]:
            path = ORDER["result_path"]
            self.get(path.replace("{id}", job.id), job.tenant, name=path)

    def _cancel(self, job: Job) -> None:
        path = ORDER["cancel_path"]
        with self.client.request(
            ORDER.get("cancel_method", "POST"),
            path.replace("{id}", str(job.id)),
            name=path,
            headers=authorisation(job.tenant),
            catch_response=True,
        ) as response:
            if response.status_code >= 500 or response.status_code == 0:
                response.failure(said(response))
            else:
                response.success()  # too late (409) is an answer as well

    def _look(self, arrival: Arrival, _due: float) -> None:
        """Most look at a job, some at the list."""
        listed = ORDER.get("list_path")
        if listed and (arrival.draw < 0.3 or not self._known):
            self.get(listed, arrival.tenant, name=listed)
        elif self._known:
            path = ORDER["status_path"]
            known = self._known[int(arrival.draw * len(self._known))]
            # One of another tenant's, or one that was never there: 404 is right.
            self.get(path.replace("{id}", known), arrival.tenant, name=f"look {path}", allowed=(200, 404))

    def _mistake(self, arrival: Arrival, _due: float) -> None:
        """What is wrong must be refused as wrong: never taken, never an error of the system's own."""
        with self.client.request(
            ORDER["submit_method"],
            ORDER["submit_path"],
            data='{"broken": ' if arrival.draw < 0.5 else "[]",
            name="mistake",
            headers={**authorisation(arrival.tenant), "Content-Type": "application/json"},
            catch_response=True,
        ) as response:
            if 400 <= response.status_code < 500:
                response.success()
            else:
                response.failure(f"a broken request was {said(response)}")


_over_for: list[str] = []  # those whose schedule is over, where it is decided that the test is


def _over(environment: Environment) -> None:
    """A schedule is over. A worker does not end by itself: the master would have another begin its schedule anew."""
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.send_message(OVER)
    else:
        _count(environment, None)


def _count(environment: Environment, msg: Any, **_: Any) -> None:  # noqa: ANN401
    """End the test with the last schedule."""
    _over_for.append(msg.node_id if msg else "")
    runner = environment.runner
    if runner is not None and len(_over_for) >= runner.target_user_count:
        # In a greenlet of its own: quit() waits for every user to stop, and this may be one of them.
        gevent.spawn(runner.quit)


def _listen(environment: Environment, **_: Any) -> None:  # noqa: ANN401
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message(OVER, _count)


events.init.add_listener(_listen)  # type: ignore[no-untyped-call]
