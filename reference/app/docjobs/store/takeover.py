"""Jobs whose worker fell silent: they go back to the queue, or fail when their attempts are used up."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from docjobs.backoff import delay_s
from docjobs.database import Connection
from docjobs.store.queue import close_delivery, lock_delivery, return_delivery

_BATCH = 50


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A job taken from a silent worker, and what became of it (`queued` or `failed`)."""

    id: uuid.UUID
    request_id: str
    worker: str
    state: str


async def take_over(
    connection: Connection, stalled_s: float, backoff_base_s: float, backoff_cap_s: float
) -> list[TakenOver]:
    """End every run without a heartbeat for `stalled_s` seconds, each in its own transaction."""
    cursor = await connection.execute(
        "SELECT id FROM job WHERE state = 'running' AND heartbeat_at < now() - make_interval(secs => %s)"
        " ORDER BY heartbeat_at LIMIT %s",
        (stalled_s, _BATCH),
    )
    candidates = [row["id"] for row in await cursor.fetchall()]
    taken = []
    for job_id in candidates:
        async with connection.transaction():
            one = await _take_over_one(connection, job_id, stalled_s, backoff_base_s, backoff_cap_s)
        if one is not None:
            taken.append(one)
    return taken


async def _take_over_one(
    connection: Connection, job_id: uuid.UUID, stalled_s: float, backoff_base_s: float, backoff_cap_s: float
) -> TakenOver | None:
    await lock_delivery(connection, job_id)
    # Asked again under the lock: meanwhile the worker may have come back or another may have taken it over.
    cursor = await connection.execute(
        "SELECT delivery, attempts, max_attempts, worker, stage, request_id FROM job WHERE id = %s"
        " AND state = 'running' AND heartbeat_at < now() - make_interval(secs => %s) FOR UPDATE",
        (job_id, stalled_s),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    error = Jsonb({"code": "worker-lost", "detail": f"the worker fell silent in stage {row['stage']}"})
    state = "queued" if row["attempts"] < row["max_attempts"] else "failed"
    if state == "queued":
        await connection.execute(
            "UPDATE job SET state = 'queued', stage = NULL, error = %s, fence = fence + 1 WHERE id = %s",
            (error, job_id),
        )
        await return_delivery(connection, row["delivery"], delay_s(row["attempts"], backoff_base_s, backoff_cap_s))
    else:
        await connection.execute(
            "UPDATE job SET state = 'failed', stage = NULL, error = %s, fence = fence + 1, delivery = NULL,"
            " finished_at = now() WHERE id = %s",
            (error, job_id),
        )
        await close_delivery(connection, row["delivery"])
    return TakenOver(job_id, row["request_id"], row["worker"], state)
