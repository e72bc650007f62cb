"""procrastinate's manager, made to claim our jobs: fetching a delivery and claiming its job are one transaction."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable
from typing import Any

import psycopg
from procrastinate import exceptions, jobs
from procrastinate.connector import BaseConnector
from procrastinate.manager import JobManager, NotificationCallback
from psycopg_pool import PoolTimeout

from docjobs.database import Pool
from docjobs.store import claim as claims
from docjobs.store.claim import Claim, Holder
from docjobs.store.queue import close_delivery
from docjobs.worker import metrics

_LOG = logging.getLogger(__name__)
_RECONNECT_S = 1.0
# Whoever names this queue beside others takes jobs only while one waits of which nothing of its tenant waited before it, and
# only beside jobs of another tenant: for whoever is alone the other hands are all there are, however fast his jobs come.
FIRST_IN_LINE = "first-in-line"

DATABASE_GONE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, exceptions.ConnectorException)


class Deliveries(JobManager):
    """Hands out only what this worker has claimed; survives the database going away for a while."""

    def __init__(self, connector: BaseConnector, pool: Pool, holder: Holder, canary_queue: str) -> None:
        super().__init__(connector)
        self._pool = pool
        self._holder = holder
        self._canary_queue = canary_queue
        self.claimed: dict[int, Claim] = {}
        self._told: list[NotificationCallback] = []
        self._ear = asyncio.Lock()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
        """The next delivery whose job this worker now holds.

        The active colour is read in the same statement: after a switch no worker of the other colour takes a real job. So is
        whether somebody is first in line, for those who ask for nobody else.
        """
        asked = list(queues or ())
        try:
            async with self._pool.connection() as connection, connection.transaction():
                cursor = await connection.execute(
                    "SELECT id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name,"
                    " attempts, worker_id FROM procrastinate_fetch_job_v2((SELECT coalesce(array_agg(queue), '{}')"
                    " FROM unnest(%(queues)s::varchar[]) AS queue WHERE (queue = %(canary)s"
                    " OR EXISTS (SELECT 1 FROM deployment WHERE active_colour = %(colour)s))"
                    " AND (NOT %(first)s OR EXISTS (SELECT 1 FROM procrastinate_jobs AS delivery"
                    " JOIN job ON job.delivery = delivery.id AND job.state = 'queued'"
                    " WHERE delivery.status = 'todo' AND delivery.priority %% 2 <> 0 AND delivery.queue_name = queue"
                    " AND coalesce(delivery.scheduled_at, now()) <= now() AND EXISTS (SELECT 1 FROM job AS other"
                    " WHERE other.state IN ('queued', 'running') AND other.tenant <> job.tenant)))), %(worker)s)",
                    {
                        "queues": asked,
                        "first": FIRST_IN_LINE in asked,
                        "canary": self._canary_queue,
                        "colour": self._holder.colour,
                        "worker": worker_id,
                    },
                )
                row: dict[str, Any] | None = await cursor.fetchone()
                if row is None or row["id"] is None:
                    return None
                claim = await claims.take(connection, self._holder, uuid.UUID(row["args"]["job"]), row["id"])
                if claim is None:
                    _LOG.warning("delivery without a waiting job dropped", extra={"delivery": row["id"]})
                    await close_delivery(connection, row["id"])
                    return None
        except DATABASE_GONE as error:
            _report("fetch", error)
            return None
        self.claimed[row["id"]] = claim
        return jobs.Job.from_row(row)

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:
        """Nothing: the transaction that ended the run has closed or returned the delivery already."""

    async def update_heartbeat(self, worker_id: int) -> None:
        """procrastinate's own heartbeat, which ends its worker on an error; ours goes on."""
        try:
            await super().update_heartbeat(worker_id)
        except DATABASE_GONE as error:
            _report("heartbeat", error)

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Tell this worker of new jobs, over the one connection on which one of this process's workers hears for all: when that
        one ends, the next takes over. Listen again after every loss of it; meanwhile polling finds the jobs."""
        self._told.append(on_notification)
        try:
            async with self._ear:
                while True:
                    try:
                        await super().listen_for_jobs(on_notification=self._tell, queues=queues)
                    except DATABASE_GONE as error:
                        _report("listen", error)
                    await asyncio.sleep(_RECONNECT_S)
        finally:
            self._told.remove(on_notification)

    async def _tell(self, *, channel: str, notification: jobs.Notification) -> None:
        for on_notification in tuple(self._told):
            await on_notification(channel=channel, notification=notification)


def _report(what: str, error: Exception) -> None:
    metrics.DATABASE_ERRORS.inc()
    _LOG.warning("database not reachable", extra={"during": what, "error": type(error).__name__})
