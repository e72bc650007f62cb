"""What the database says of the queue, as numbers for whoever scrapes the API."""

from __future__ import annotations

from docjobs.api import metrics
from docjobs.database import Connection
from docjobs.store import presence


async def read(connection: Connection, colour: str) -> None:
    """Set the numbers of the queue, and whether `colour` serves. Raises psycopg.Error."""
    found = await presence.queue_figures(connection)
    metrics.QUEUED.set(found["queued"])
    metrics.RUNNING.set(found["running"])
    metrics.OLDEST.set(found["oldest_s"])
    metrics.SILENT.set(found["silent_s"])
    metrics.SERVING.set(found["active_colour"] == colour)
