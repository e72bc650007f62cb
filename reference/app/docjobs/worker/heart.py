"""The heartbeat: says which runs are alive, drops those that were lost, and takes over what others dropped."""

from __future__ import annotations

import asyncio
import logging
import time

import psycopg

from docjobs.database import Connection, Pool
from docjobs.settings import WorkerSettings
from docjobs.store import claim as claims
from docjobs.store import presence, takeover
from docjobs.store.claim import Holder
from docjobs.worker import metrics
from docjobs.worker.deliveries import DATABASE_GONE
from docjobs.worker.run import Runs

_LOG = logging.getLogger(__name__)
_TICK_S = 1.0


class Heart:
    """Beats every `heartbeat_s` and sweeps every second, for as long as the loop turns."""

    def __init__(self, settings: WorkerSettings, pool: Pool, holder: Holder, runs: Runs) -> None:
        self._settings = settings
        self._pool = pool
        self._holder = holder
        self._runs = runs
        self._sweep_from = 0.0

    async def beat_for_ever(self) -> None:
        """Until cancelled; a database that is away or refuses only delays it."""
        next_beat = 0.0
        while True:
            now = time.monotonic()
            try:
                async with self._pool.connection() as connection:
                    if now >= next_beat:
                        await self._beat(connection)
                        next_beat = now + self._settings.heartbeat_s
                    if now >= self._sweep_from:
                        await self._sweep(connection)
            except (psycopg.Error, *DATABASE_GONE) as error:
                # Whatever the database answers, such as a right that was taken away for a moment: it may answer better later.
                metrics.DATABASE_ERRORS.inc()
                _LOG.warning("heartbeat failed", extra={"error": type(error).__name__})
                # After an outage every run looks silent: let the living speak before anyone is declared dead.
                self._sweep_from = time.monotonic() + self._settings.stalled_s
            await asyncio.sleep(min(_TICK_S, self._settings.heartbeat_s))

    async def _beat(self, connection: Connection) -> None:
        held = self._runs.held
        active = await presence.beat(connection, self._holder, len(held))
        metrics.ACTIVE.set(active == self._holder.colour)
        metrics.RUNNING.set(len(held))
        if held:
            alive = await claims.still_held(connection, held)
            for claim in held:
                if (claim.id, claim.fence) not in alive:
                    self._runs.drop(claim)
        metrics.HEARTBEAT.set_to_current_time()
        self._settings.health_file.touch()

    async def _sweep(self, connection: Connection) -> None:
        for job in await takeover.take_over(
            connection, self._settings.stalled_s, self._settings.backoff_base_s, self._settings.backoff_cap_s
        ):
            metrics.TAKEN_OVER.labels(job.state).inc()
            _LOG.warning(
                "job taken over",
                extra={
                    "taken_from": job.worker,
                    "outcome": job.state,
                    "job_id": str(job.id),
                    "request_id": job.request_id,
                },
            )
