"""What the database says of the queue, looked up all the time: whoever scrapes the API must not wait for the database."""

from __future__ import annotations

import asyncio

import psycopg

from docjobs.api import metrics
from docjobs.database import Pool
from docjobs.store import presence

_EVERY_S = 0.5
# After this long the database is as good as down; somebody is to know of it within five seconds.
_WAIT_S = 0.8


async def watch(pool: Pool, colour: str) -> None:
    """Look for ever."""
    while True:
        await look(pool, colour)
        await asyncio.sleep(_EVERY_S)


async def look(pool: Pool, colour: str) -> None:
    """Set the numbers of the queue, or that the database does not answer."""
    try:
        async with asyncio.timeout(_WAIT_S), pool.connection(timeout=_WAIT_S) as connection:
            found = await presence.queue_figures(connection)
    except (psycopg.Error, TimeoutError):
        metrics.DATABASE_UP.set(0)
        return
    metrics.DATABASE_UP.set(1)
    metrics.QUEUED.set(found["queued"])
    metrics.RUNNING.set(found["running"])
    metrics.OLDEST.set(found["oldest_s"])
    metrics.SILENT.set(found["silent_s"])
    metrics.SERVING.set(found["active_colour"] == colour)
