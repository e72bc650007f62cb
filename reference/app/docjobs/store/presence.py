"""Which workers live, and which colour takes real jobs."""

from __future__ import annotations

from typing import Any

from docjobs.database import Connection
from docjobs.store.claim import CANARY_TENANT, Holder

_FORGOTTEN_AFTER = "1 hour"


async def beat(connection: Connection, holder: Holder, running: int) -> str:
    """Say that the worker lives and how many jobs it runs; returns the active colour."""
    await connection.execute(
        "INSERT INTO worker (name, colour, release, running) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET heartbeat_at = now(), running = excluded.running",
        (holder.name, holder.colour, holder.release, running),
    )
    return await active_colour(connection)


async def active_colour(connection: Connection) -> str:
    """The colour whose workers take real jobs; empty before the first migration has said so."""
    cursor = await connection.execute("SELECT active_colour FROM deployment")
    row = await cursor.fetchone()
    return str(row["active_colour"]) if row else ""


async def leave(connection: Connection, holder: Holder) -> None:
    """Strike the worker off, and those nobody has heard of for an hour."""
    await connection.execute(
        "DELETE FROM worker WHERE name = %s OR heartbeat_at < now() - %s::interval", (holder.name, _FORGOTTEN_AFTER)
    )


async def queue_figures(connection: Connection) -> dict[str, Any]:
    """Real jobs by state, the age of the oldest that waits and the longest silence of a running one, in seconds."""
    cursor = await connection.execute(
        "SELECT count(*) FILTER (WHERE state = 'queued') AS queued,"
        " count(*) FILTER (WHERE state = 'running') AS running,"
        " coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE state = 'queued')), 0)::float AS oldest_s,"
        " coalesce(extract(epoch FROM now() - min(heartbeat_at) FILTER (WHERE state = 'running')), 0)::float AS silent_s"
        " FROM job WHERE state IN ('queued', 'running') AND tenant <> %s",
        (CANARY_TENANT,),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (an aggregate without GROUP BY has one row)
    return {**row, "active_colour": await active_colour(connection)}
