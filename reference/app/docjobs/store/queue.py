"""The deliveries of procrastinate, as the transactions about jobs touch them."""

from __future__ import annotations

import uuid

from docjobs.database import Connection
from docjobs.turns import Line


async def lock_delivery(connection: Connection, job_id: uuid.UUID) -> None:
    """Lock the job's delivery before the job itself; the later condition on the job decides what is true."""
    await connection.execute(
        "SELECT 1 FROM procrastinate_jobs WHERE id = (SELECT delivery FROM job WHERE id = %s) FOR UPDATE", (job_id,)
    )


async def close_delivery(connection: Connection, delivery: int) -> None:
    """Take a delivery out of the queue for good."""
    await connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s", (delivery,))


async def return_delivery(connection: Connection, delivery: int, after_s: float) -> None:
    """Put a delivery that was taken back into the queue, to be taken no sooner than in `after_s` seconds."""
    await connection.execute(
        "SELECT procrastinate_retry_job_v2(%s, now() + make_interval(secs => %s), NULL, NULL, NULL)",
        (delivery, after_s),
    )


async def line(connection: Connection, tenant: str) -> Line:
    """The line as it is now. A place is the negative priority of the job's delivery."""
    cursor = await connection.execute(
        "SELECT count(*) AS everybody, count(*) FILTER (WHERE tenant = %(tenant)s) AS own,"
        " max(-priority) FILTER (WHERE tenant = %(tenant)s) AS own_last, min(-priority) AS first,"
        " min(-priority) FILTER (WHERE priority %% 2 = 0) AS first_even"
        " FROM job JOIN procrastinate_jobs ON procrastinate_jobs.id = job.delivery WHERE job.state = 'queued'",
        {"tenant": tenant},
    )
    row = await cursor.fetchone()
    return Line(**row) if row else Line()
