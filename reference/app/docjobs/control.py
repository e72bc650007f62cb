"""`python -m docjobs.control activate|canary|drained|status`: what a deployment asks, answered as one JSON line."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import uuid
from typing import Any

import psycopg

from docjobs import database, job_types
from docjobs.build import BUILD
from docjobs.database import Pool
from docjobs.settings import WorkerSettings
from docjobs.store import decision, presence
from docjobs.store.claim import CANARY_TENANT
from docjobs.store.submission import Desk, Submission

_POLL_S = 0.1
_DRAINS_WITHIN_S = 2.0
_TEXT = "A canary sings in the mine. " * 60


class Failed(Exception):
    """The command did not reach its end; the text says why."""


async def activate(pool: Pool, colour: str) -> dict[str, Any]:
    """Let this colour's workers take real jobs, and only them; raises Failed before the first migration."""
    async with pool.connection() as connection, connection.transaction():
        cursor = await connection.execute("SELECT active_colour FROM deployment FOR UPDATE")
        row = await cursor.fetchone()
        if row is None:
            raise Failed("there is no deployment row: run `python -m docjobs.migrate expand`")
        await connection.execute("UPDATE deployment SET active_colour = %s, changed_at = now()", (colour,))
    return {"active": colour, "previous": row["active_colour"]}


async def canary(pool: Pool, settings: WorkerSettings, timeout_s: float) -> dict[str, Any]:
    """Have this colour's workers do a job of our own; raises Failed when none has succeeded in time."""
    started = time.monotonic()
    desk = Desk(pool)
    await desk.open()
    await _clear_canaries(pool, settings.colour)
    submission = Submission(
        tenant=CANARY_TENANT,
        submitter=settings.colour,
        idempotency_key=None,
        type=job_types.INDEX.name,
        queue=job_types.canary_queue(settings.colour),
        title=f"canary {settings.colour} {BUILD.release}",
        media_type="text/plain",
        content=_TEXT.encode(),
        request_id=f"canary-{uuid.uuid4()}",
        max_attempts=2,
    )
    accepted = await desk.submit(submission)
    row: dict[str, Any] = {"state": "queued", "error": None}
    while time.monotonic() - started < timeout_s:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT state, worker, release, attempts, error FROM job WHERE id = %s", (accepted.id,)
            )
            row = await cursor.fetchone() or row
        if row["state"] == "succeeded":
            if row["release"] != BUILD.release:
                raise Failed(f"the canary was done by release {row['release']}, not {BUILD.release}")
            return {"id": str(accepted.id), **row, "seconds": round(time.monotonic() - started, 3)}
        if row["state"] == "failed":
            raise Failed(f"the canary job failed: {row['error']['code']}: {row['error']['detail']}")
        await asyncio.sleep(_POLL_S)
    async with pool.connection() as connection:
        await decision.cancel(connection, CANARY_TENANT, accepted.id)
    lately = f"; last attempt: {row['error']['code']}" if row["error"] else ""
    raise Failed(f"the canary job was still {row['state']} after {timeout_s:g} s{lately}")


async def _clear_canaries(pool: Pool, colour: str) -> None:
    """Cancel what an earlier canary of this colour left: its release may have died of it, and ours must not."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT id FROM job WHERE tenant = %s AND submitter = %s AND state IN ('queued', 'running')",
            (CANARY_TENANT, colour),
        )
        for row in await cursor.fetchall():
            await decision.cancel(connection, CANARY_TENANT, row["id"])


async def drained(pool: Pool, colour: str) -> dict[str, Any]:
    """How many real jobs this colour's workers still run, once there are none, or after two seconds.

    Whoever asks goes on asking until there are none; to begin this program costs more than to wait in it.
    """
    until = time.monotonic() + _DRAINS_WITHIN_S
    while True:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT count(*) AS running FROM job WHERE state = 'running' AND colour = %s AND tenant <> %s",
                (colour, CANARY_TENANT),
            )
            row = await cursor.fetchone()
        running = row["running"] if row else 0
        if not running or time.monotonic() >= until:
            return {"colour": colour, "running": running}
        await asyncio.sleep(_POLL_S)


async def status(pool: Pool, settings: WorkerSettings) -> dict[str, Any]:
    """The active colour, the schema version, the queue and the workers heard of lately."""
    async with pool.connection() as connection:
        figures = await presence.queue_figures(connection)
        cursor = await connection.execute(
            "SELECT name, colour, release, running, extract(epoch FROM now() - heartbeat_at)::float AS silent_s"
            " FROM worker WHERE heartbeat_at > now() - make_interval(secs => %s) ORDER BY name",
            (settings.stalled_s,),
        )
        workers = await cursor.fetchall()
        cursor = await connection.execute("SELECT max(version) AS version FROM schema_migration")
        schema = await cursor.fetchone()
    return {
        "active": figures["active_colour"],
        "colour": settings.colour,
        "release": BUILD.release,
        "schema": schema["version"] if schema else None,
        "queued": figures["queued"],
        "running": figures["running"],
        "oldest_queued_s": figures["oldest_s"],
        "workers": workers,
    }


async def _run(settings: WorkerSettings, asked: argparse.Namespace) -> dict[str, Any]:
    pool = database.pool(settings, "control")
    await pool.open(wait=True, timeout=5)
    try:
        match asked.command:
            case "activate":
                return await activate(pool, asked.colour)
            case "canary":
                return await canary(pool, settings, asked.timeout)
            case "drained":
                return await drained(pool, asked.colour)
            case _:
                return await status(pool, settings)
    finally:
        await pool.close(timeout=1)


def main(arguments: list[str]) -> int:
    """Print one JSON line and return 0, or say on stderr what is wrong and return 1 (2 for wrong usage)."""
    parser = argparse.ArgumentParser(prog="python -m docjobs.control", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("activate", "drained"):
        commands.add_parser(name).add_argument("colour", choices=("blue", "green"))
    commands.add_parser("canary").add_argument("--timeout", type=float, default=20, help="seconds")
    commands.add_parser("status")
    asked = parser.parse_args(arguments)
    settings = WorkerSettings.load()
    try:
        outcome = asyncio.run(_run(settings, asked))
    except Failed as error:
        sys.stderr.write(f"control {asked.command}: {error}\n")
        return 1
    except psycopg.Error as error:
        sys.stderr.write(f"control {asked.command}: the database cannot be used ({type(error).__name__})\n")
        return 1
    sys.stdout.write(json.dumps(outcome, default=str) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
