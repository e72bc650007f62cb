"""A worker's hold on a job, from the claim to its end. Nothing is written about a run that the worker no longer holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from docjobs.database import Connection
from docjobs.stages.document import Work
from docjobs.store import outcome
from docjobs.store.queue import close_delivery, lock_delivery, return_delivery

CANARY_TENANT = "_canary"


@dataclass(frozen=True, slots=True)
class Claim:
    """One run of a job by one worker; `fence` proves that it still holds the job."""

    id: uuid.UUID
    fence: int
    attempts: int
    max_attempts: int
    worker: str
    type: str
    media_type: str
    request_id: str
    canary: bool
    waited_s: float

    @property
    def counted_as(self) -> str:
        """The type under which metrics count this run: a canary's failure is the deployment's business."""
        return "canary" if self.canary else self.type


class Lost(Exception):
    """The job was cancelled or taken over: this run must leave no trace."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The worker that claims."""

    name: str
    colour: str
    release: str


async def take(connection: Connection, holder: Holder, job_id: uuid.UUID, delivery: int) -> Claim | None:
    """Claim the job of a delivery just fetched, in the caller's transaction; None where it no longer waits."""
    cursor = await connection.execute(
        "UPDATE job SET state = 'running', attempts = attempts + 1, fence = fence + 1, worker = %(worker)s,"
        " colour = %(colour)s, release = %(release)s, stage = 'validate', started_at = now(), heartbeat_at = now(),"
        " error = NULL WHERE id = %(id)s AND state = 'queued' AND delivery = %(delivery)s"
        " RETURNING id, fence, attempts, max_attempts, type, media_type, request_id, tenant,"
        " extract(epoch FROM now() - created_at)::float AS waited_s",
        {
            "worker": holder.name,
            "colour": holder.colour,
            "release": holder.release,
            "id": job_id,
            "delivery": delivery,
        },
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return Claim(worker=holder.name, canary=row.pop("tenant") == CANARY_TENANT, **row)


async def document(connection: Connection, claim: Claim) -> bytes:
    """The document's bytes."""
    cursor = await connection.execute("SELECT content FROM document WHERE job_id = %s", (claim.id,))
    row = await cursor.fetchone()
    if row is None:
        raise Lost
    content: bytes = row["content"]
    return content


async def passed(connection: Connection, claim: Claim, stage: str, seconds: float, following: str) -> None:
    """Record that a stage is done and the next begins; raises Lost."""
    async with connection.transaction():
        cursor = await connection.execute(
            "UPDATE job SET stage = %s, heartbeat_at = now()"
            " WHERE id = %s AND fence = %s AND worker = %s AND state = 'running'",
            (following, claim.id, claim.fence, claim.worker),
        )
        if cursor.rowcount == 0:
            raise Lost
        await _record_stage(connection, claim, stage, seconds)


async def complete(connection: Connection, claim: Claim, work: Work, stage: str, seconds: float) -> None:
    """The job is done: state, result, index, effect and delivery, all or nothing; raises Lost."""
    result = {"characters": len(work.text), "chunks": len(work.chunks), **dict(work.facts)}
    async with connection.transaction():
        delivery = await _finish(connection, claim, "succeeded", result=result)
        if delivery is None:
            return
        await outcome.write(connection, claim.id, work)
        await _record_stage(connection, claim, stage, seconds)
        if not claim.canary:
            await connection.execute(
                "INSERT INTO effect (job_id, attempt, worker) VALUES (%s, %s, %s)",
                (claim.id, claim.attempts, claim.worker),
            )
        await close_delivery(connection, delivery)


async def fail(connection: Connection, claim: Claim, error: dict[str, str]) -> None:
    """The job failed for good; raises Lost."""
    async with connection.transaction():
        delivery = await _finish(connection, claim, "failed", error=error)
        if delivery is not None:
            await close_delivery(connection, delivery)


async def give_back(
    connection: Connection, claim: Claim, *, error: dict[str, str] | None, after_s: float, burned: bool
) -> None:
    """Put the job back into the queue; an attempt that is not `burned` does not count. Raises Lost."""
    async with connection.transaction():
        await lock_delivery(connection, claim.id)
        cursor = await connection.execute(
            "UPDATE job SET state = 'queued', stage = NULL, error = %s, attempts = attempts - %s, fence = fence + 1"
            " WHERE id = %s AND fence = %s AND worker = %s AND state = 'running' RETURNING delivery",
            (_json(error), 0 if burned else 1, claim.id, claim.fence, claim.worker),
        )
        row = await cursor.fetchone()
        if row is None:
            raise Lost
        await return_delivery(connection, row["delivery"], after_s)


async def still_held(connection: Connection, claims: Sequence[Claim]) -> set[tuple[uuid.UUID, int]]:
    """Beat the heart of these runs; those missing in the answer are lost."""
    cursor = await connection.execute(
        "UPDATE job SET heartbeat_at = now() FROM unnest(%s::uuid[], %s::bigint[]) AS held (id, fence)"
        " WHERE job.id = held.id AND job.fence = held.fence AND job.state = 'running' RETURNING job.id, job.fence",
        ([claim.id for claim in claims], [claim.fence for claim in claims]),
    )
    return {(row["id"], row["fence"]) for row in await cursor.fetchall()}


async def _finish(
    connection: Connection,
    claim: Claim,
    state: str,
    *,
    result: dict[str, Any] | None = None,
    error: dict[str, str] | None = None,
) -> int | None:
    """The delivery to close; None where this very run had finished the job before its answer got lost."""
    await lock_delivery(connection, claim.id)
    cursor = await connection.execute(
        "WITH old AS (SELECT id, delivery FROM job WHERE id = %(id)s FOR UPDATE)"
        " UPDATE job SET state = %(state)s, stage = NULL, finished_at = now(), delivery = NULL,"
        " result = %(result)s, error = %(error)s FROM old"
        " WHERE job.id = old.id AND job.fence = %(fence)s AND job.worker = %(worker)s AND job.state = 'running'"
        " RETURNING old.delivery",
        {
            "id": claim.id,
            "state": state,
            "result": _json(result),
            "error": _json(error),
            "fence": claim.fence,
            "worker": claim.worker,
        },
    )
    row = await cursor.fetchone()
    if row is not None:
        delivery: int = row["delivery"]
        return delivery
    cursor = await connection.execute(
        "SELECT 1 FROM job WHERE id = %s AND fence = %s AND worker = %s AND state = %s",
        (claim.id, claim.fence, claim.worker, state),
    )
    if await cursor.fetchone() is None:
        raise Lost
    return None


async def _record_stage(connection: Connection, claim: Claim, stage: str, seconds: float) -> None:
    await connection.execute(
        "INSERT INTO stage (job_id, name, attempt, seconds) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (job_id, name) DO UPDATE"
        " SET attempt = excluded.attempt, seconds = excluded.seconds, at = now()",
        (claim.id, stage, claim.attempts, seconds),
    )


def _json(value: dict[str, Any] | None) -> Jsonb | None:
    return None if value is None else Jsonb(value)
