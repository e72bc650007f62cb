"""What people decide about a job: to cancel it, or to try it again."""

from __future__ import annotations

import uuid

from docjobs.database import Connection
from docjobs.store.queue import close_delivery, lock_delivery
from docjobs.store.submission import Desk


async def cancel(connection: Connection, tenant: str, job_id: uuid.UUID) -> bool:
    """Make an unfinished job cancelled, at once and for good; False where it was finished already.

    A worker that runs it loses its hold: it can neither complete the job nor leave an effect.
    """
    async with connection.transaction():
        await lock_delivery(connection, job_id)
        cursor = await connection.execute(
            "WITH old AS (SELECT id, delivery FROM job WHERE id = %s AND tenant = %s FOR UPDATE)"
            " UPDATE job SET state = 'cancelled', finished_at = now(), delivery = NULL, fence = fence + 1"
            " FROM old WHERE job.id = old.id AND job.state IN ('queued', 'running') RETURNING old.delivery",
            (job_id, tenant),
        )
        row = await cursor.fetchone()
        if row is None:
            return False
        await close_delivery(connection, row["delivery"])
        return True


async def retry(connection: Connection, desk: Desk, tenant: str, job_id: uuid.UUID, queue: str) -> bool:
    """Queue a failed or cancelled job anew with all its attempts; False where it is in another state. Raises QueueFull."""
    async with connection.transaction():
        delivery = await desk.deliver(connection, queue, job_id, tenant)
        cursor = await connection.execute(
            "UPDATE job SET state = 'queued', attempts = 0, delivery = %s, finished_at = NULL, error = NULL,"
            " stage = NULL, fence = fence + 1 WHERE id = %s AND tenant = %s AND state IN ('failed', 'cancelled')",
            (delivery, job_id, tenant),
        )
        if cursor.rowcount == 0:
            await close_delivery(connection, delivery)
            return False
        return True
