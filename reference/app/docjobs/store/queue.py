"""The deliveries of procrastinate, as the transactions about jobs touch them."""

from __future__ import annotations

import uuid

from docjobs.database import Connection


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
