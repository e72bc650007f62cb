"""The worker's life: connect, serve both queues, beat, take over, and on SIGTERM finish what runs."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import signal
import socket

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.worker import Worker

from docjobs import database, job_types, logs
from docjobs.build import BUILD
from docjobs.settings import WorkerSettings
from docjobs.store import presence
from docjobs.store.claim import Holder
from docjobs.store.submission import TASK
from docjobs.worker import metrics, metrics_server
from docjobs.worker.deliveries import DATABASE_GONE, FIRST_IN_LINE, Deliveries
from docjobs.worker.heart import Heart
from docjobs.worker.processes import StageProcesses
from docjobs.worker.run import Runs

_LOG = logging.getLogger(__name__)
# New jobs are told of; this finds those whose time has come, and what a new colour may take.
_POLL_S = 0.8
_RESTART_S = 1.0
# Beside the concurrency: for tenants that have nothing else waiting, while one that has much keeps all hands busy. Where five
# hands are usual, a tenant that comes for 30 % of them has 1.5 jobs in hands on average, and more than four at 2 % of all
# moments (Poisson), more than two at 19 %. Stages have processes of their own: a hand costs a document's memory.
_FIRST_IN_LINE = 4


def serve() -> int:
    """Run until SIGTERM or SIGINT; returns the exit status."""
    settings = WorkerSettings.load()
    logs.configure("worker", settings.log_level, settings.colour)
    asyncio.run(Service(settings).run())
    return 0


class Service:
    """Everything one worker process holds."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        name = f"{settings.colour}-{socket.gethostname()}-{secrets.token_hex(3)}"
        self._holder = Holder(name, settings.colour, BUILD.release)
        self._pool = database.pool(settings, f"worker-{settings.colour}")
        self._processes = StageProcesses(settings.stage_processes, settings.stage_cpu_s)
        self._runs = Runs(settings, self._pool, self._processes)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Serve; after SIGTERM take nothing more, finish or give back what runs, and leave."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        metrics.BUILD_INFO.labels("worker", BUILD.release, BUILD.revision, self._settings.colour).set(1)
        metrics.CONCURRENCY.set(self._settings.worker_concurrency + _FIRST_IN_LINE)
        server = await metrics_server.start(self._settings.metrics_port, self._settings.metrics_token_file)
        await self._connect()
        heart = Heart(self._settings, self._pool, self._holder, self._runs)
        beating = asyncio.create_task(heart.beat_for_ever())
        beating.add_done_callback(self._without_heart)
        app = self._app()
        await app.open_async(pool=self._pool)
        _LOG.info("worker started", extra={"worker": self._holder.name, "pid": os.getpid()})
        asyncio.get_running_loop().call_later(0.5, self._processes.warm)
        gc.freeze()
        canary = [job_types.canary_queue(self._settings.colour)]
        await asyncio.gather(
            self._serve(app, job_types.queues(), self._settings.worker_concurrency, listen=True),
            self._serve(app, [*job_types.queues(), FIRST_IN_LINE], _FIRST_IN_LINE, listen=True),
            self._serve(app, canary, 1, listen=False),
        )
        beating.cancel()
        await self._leave()
        server.close()
        self._processes.close()
        _LOG.info("worker stopped", extra={"worker": self._holder.name})

    def _app(self) -> App:
        app = App(connector=PsycopgConnector())
        deliveries = Deliveries(app.connector, self._pool, self._holder, job_types.canary_queue(self._settings.colour))
        app.job_manager = deliveries

        @app.task(name=TASK, pass_context=True)
        async def process(context: JobContext, job: str) -> None:  # noqa: ARG001  (the claim knows the job)
            delivery = context.job.id
            claim = deliveries.claimed.pop(delivery) if delivery is not None else None
            if claim is not None:
                await self._runs.run(claim)

        return app

    async def _serve(self, app: App, queues: list[str], concurrency: int, *, listen: bool) -> None:
        """Run a procrastinate worker on these queues, a new one whenever it ends by itself, until SIGTERM."""
        while not self._stopping.is_set():
            worker = Worker(
                app,
                queues=queues,
                concurrency=concurrency,
                name=self._holder.name,
                fetch_job_polling_interval=_POLL_S,
                abort_job_polling_interval=3600,  # a job cancelled while it runs is noticed by its heartbeat
                shutdown_graceful_timeout=self._settings.drain_s,
                listen_notify=listen,
                install_signal_handlers=False,
                update_heartbeat_interval=self._settings.heartbeat_s,
                stalled_worker_timeout=self._settings.stalled_s,
            )
            stop = asyncio.create_task(self._stop_with_us(worker))
            try:
                await worker.run()
            except DATABASE_GONE as error:
                _LOG.warning("queue lost, serving it again soon", extra={"error": type(error).__name__})
                await asyncio.sleep(_RESTART_S)
            finally:
                stop.cancel()

    def _without_heart(self, beating: asyncio.Task[None]) -> None:
        """Whoever cannot say that he lives must not go on working: others take his jobs over. The container starts anew."""
        if not beating.cancelled():
            _LOG.critical("heart stopped, leaving", extra={"error": type(beating.exception()).__name__})
            self._stopping.set()

    async def _stop_with_us(self, worker: Worker) -> None:
        await self._stopping.wait()
        metrics.DRAINING.set(1)
        worker.stop()

    async def _connect(self) -> None:
        """Wait for the database as long as it takes, unless told to stop."""
        await self._pool.open()
        while not self._stopping.is_set():
            try:
                async with self._pool.connection() as connection:
                    await presence.beat(connection, self._holder, 0)
                return
            except (psycopg.Error, *DATABASE_GONE) as error:
                # Also a schema that is not there yet: whoever starts first waits.
                _LOG.warning("not ready to serve yet", extra={"error": type(error).__name__})
                await asyncio.sleep(_RESTART_S)

    async def _leave(self) -> None:
        try:
            async with self._pool.connection() as connection:
                await presence.leave(connection, self._holder)
        except DATABASE_GONE:
            _LOG.warning("left without saying so: the database is not reachable")
        await self._pool.close(timeout=2)
