"""A job enters: its row, its document and its delivery in one transaction, once per idempotency key."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass

from procrastinate import App, PsycopgConnector

from docjobs.database import Connection, Pool
from docjobs.store import queue as queues
from docjobs.turns import place

TASK = "docjobs.process"


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client asks for, checked and decoded."""

    tenant: str
    submitter: str
    idempotency_key: str | None
    type: str
    queue: str
    title: str
    media_type: str
    content: bytes
    request_id: str
    max_attempts: int

    @property
    def body_sha256(self) -> bytes:
        """Equal for requests that ask for the same."""
        asked = json.dumps([self.type, self.title, self.media_type]).encode() + b"\0" + self.content
        return hashlib.sha256(asked).digest()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job of a submission; `replayed` where an earlier request with this key made it."""

    id: uuid.UUID
    state: str
    replayed: bool


class QueueFull(Exception):
    """No more jobs are taken now; `tenant`: of this tenant, while others still may."""

    def __init__(self, *, tenant: bool) -> None:
        super().__init__(tenant)
        self.tenant = tenant


class KeyReused(Exception):
    """This idempotency key was used before, with another body."""


class _LostRace(Exception):
    """Another request with the same key committed first."""


class Desk:
    """Takes jobs in; puts them into the queue through procrastinate. At most `queue_limit` jobs wait, half of them of one
    tenant: who comes later is asked to come again, before the queue is so long that nobody's job is done in time."""

    def __init__(self, pool: Pool, queue_limit: int | None = None) -> None:
        self._pool = pool
        self._queue_limit = queue_limit
        self._queue = App(connector=PsycopgConnector())

    async def open(self) -> None:
        """Bind the queue to the pool."""
        await self._queue.open_async(pool=self._pool)

    async def submit(self, submission: Submission) -> Accepted:
        """Accept a job, or find the one this key made; raises KeyReused, and QueueFull for a job that is new."""
        async with self._pool.connection() as connection:
            known = await self._known(connection, submission)
            if known is not None:
                return known
            try:
                return await self._insert(connection, submission)
            except _LostRace:
                known = await self._known(connection, submission)
                if known is None:
                    raise
                return known

    async def deliver(self, connection: Connection, queue: str, job: uuid.UUID, tenant: str) -> int:
        """Put a job into a queue, in the caller's transaction, behind what waits of its tenant; returns the delivery. Raises
        QueueFull; submissions at the same moment may overshoot by one each."""
        line = await queues.line(connection, tenant)
        if self._queue_limit is not None:
            if line.everybody >= self._queue_limit:
                raise QueueFull(tenant=False)
            if line.own >= self._queue_limit // 2:
                raise QueueFull(tenant=True)
        task = self._queue.configure_task(TASK, queue=queue, priority=-place(line), connection=connection)
        return await task.defer_async(job=str(job))

    async def _known(self, connection: Connection, submission: Submission) -> Accepted | None:
        if submission.idempotency_key is None:
            return None
        cursor = await connection.execute(
            "SELECT id, state, body_sha256 FROM job WHERE tenant = %s AND submitter = %s AND idempotency_key = %s",
            (submission.tenant, submission.submitter, submission.idempotency_key),
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        if row["body_sha256"] != submission.body_sha256:
            raise KeyReused
        return Accepted(row["id"], row["state"], replayed=True)

    async def _insert(self, connection: Connection, submission: Submission) -> Accepted:
        job = uuid.uuid4()
        async with connection.transaction():
            delivery = await self.deliver(connection, submission.queue, job, submission.tenant)
            cursor = await connection.execute(
                "INSERT INTO job (id, tenant, submitter, idempotency_key, body_sha256, type, title, media_type,"
                " request_id, max_attempts, delivery) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (tenant, submitter, idempotency_key) DO NOTHING",
                (
                    job,
                    submission.tenant,
                    submission.submitter,
                    submission.idempotency_key,
                    submission.body_sha256,
                    submission.type,
                    submission.title,
                    submission.media_type,
                    submission.request_id,
                    submission.max_attempts,
                    delivery,
                ),
            )
            if cursor.rowcount == 0:
                raise _LostRace
            await connection.execute(
                "INSERT INTO document (job_id, content) VALUES (%s, %s)", (job, submission.content)
            )
        return Accepted(job, "queued", replayed=False)
