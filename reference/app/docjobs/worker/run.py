"""One run of one job: the stages in order, and what becomes of the job however the run ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from docjobs import logs
from docjobs.backoff import delay_s
from docjobs.database import Connection, Pool
from docjobs.job_types import FINAL_STAGE, JOB_TYPES
from docjobs.settings import WorkerSettings
from docjobs.stages.document import DocumentRefused, Work
from docjobs.store import claim as claims
from docjobs.store.claim import Claim, Lost
from docjobs.worker import metrics
from docjobs.worker.deliveries import DATABASE_GONE
from docjobs.worker.processes import StageDied, StageProcesses

_LOG = logging.getLogger(__name__)
_DATABASE_PAUSE_S = 0.5
_T = TypeVar("_T")


class Runs:
    """Does the jobs this worker holds, and knows which these are."""

    def __init__(self, settings: WorkerSettings, pool: Pool, processes: StageProcesses) -> None:
        self._settings = settings
        self._pool = pool
        self._processes = processes
        self._held: dict[Claim, asyncio.Task[None]] = {}
        self._completing: set[Claim] = set()

    @property
    def held(self) -> list[Claim]:
        """The claims of the runs going on."""
        return list(self._held)

    def drop(self, claim: Claim) -> None:
        """Stop a run that lost its job; one that is just completing finds out by itself."""
        task = self._held.get(claim)
        if task is not None and claim not in self._completing:
            task.cancel(msg="lost")

    async def run(self, claim: Claim) -> None:
        """Do the job to one of its ends; cancelled from outside, give it back without counting the attempt."""
        logs.job_id.set(str(claim.id))
        logs.request_id.set(claim.request_id)
        if claim.attempts == 1:
            metrics.WAIT.labels(claim.counted_as).observe(claim.waited_s)
        _LOG.info("job started", extra={"attempt": claim.attempts, "type": claim.counted_as})
        work = asyncio.create_task(self._stages(claim))
        self._held[claim] = work
        try:
            await self._settle(claim, work)
        finally:
            self._held.pop(claim, None)
            self._completing.discard(claim)

    async def _settle(self, claim: Claim, work: asyncio.Task[None]) -> None:
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            if work.done() and work.cancelled():
                self._ended(claim, "lost")
                return
            work.cancel(msg="shutdown")
            await asyncio.gather(work, return_exceptions=True)
            await self._give_back(claim, None, after_s=0, burned=False, outcome="handed_back")
            raise
        except Lost:
            self._ended(claim, "lost")
        except DocumentRefused as refused:
            await self._fail(claim, {"code": refused.code, "detail": refused.detail})
        except StageDied:
            await self._failed_attempt(claim, {"code": "stage-died", "detail": "the process doing a stage died"})
        except DATABASE_GONE:
            # Nothing can be recorded now. The silence of this run will be noticed and the job taken over.
            self._ended(claim, "lost")
        except Exception as error:  # noqa: BLE001  (whatever it is, the job must get one of its ends)
            _LOG.exception("attempt failed")
            detail = f"the attempt ended with {type(error).__name__}"
            await self._failed_attempt(claim, {"code": "internal", "detail": detail})
        else:
            self._ended(claim, "succeeded")

    async def _stages(self, claim: Claim) -> None:
        began = time.monotonic()
        job_type = JOB_TYPES[claim.type]
        content = await self._persist(lambda connection: claims.document(connection, claim))
        work = Work(content, claim.media_type)
        names = [name for name, _ in job_type.stages] + [FINAL_STAGE]
        for (name, stage), following in zip(job_type.stages, names[1:], strict=True):
            started = time.monotonic()
            await self._remote_call(claim)
            work = await self._processes.run(stage, work)
            seconds = time.monotonic() - started
            metrics.STAGE.labels(name).observe(seconds)
            await self._record_stage(claim, name, seconds, following)
        started = time.monotonic()
        await self._remote_call(claim)
        finished = work
        self._completing.add(claim)
        await self._persist(
            lambda connection: claims.complete(connection, claim, finished, FINAL_STAGE, time.monotonic() - started)
        )
        metrics.STAGE.labels(FINAL_STAGE).observe(time.monotonic() - started)
        metrics.DURATION.labels(claim.counted_as).observe(time.monotonic() - began)

    async def _record_stage(self, claim: Claim, name: str, seconds: float, following: str) -> None:
        await self._persist(lambda connection: claims.passed(connection, claim, name, seconds, following))

    async def _remote_call(self, claim: Claim) -> None:
        """Stand for a remote service's answer; a canary asks none, so that a deployment need not wait for it."""
        if not claim.canary:
            await asyncio.sleep(self._settings.stage_wait_ms / 1000)

    async def _failed_attempt(self, claim: Claim, error: dict[str, str]) -> None:
        if claim.attempts >= claim.max_attempts:
            await self._fail(claim, error)
            return
        pause = delay_s(claim.attempts, self._settings.backoff_base_s, self._settings.backoff_cap_s)
        await self._give_back(claim, error, after_s=pause, burned=True, outcome="retried")

    async def _fail(self, claim: Claim, error: dict[str, str]) -> None:
        try:
            await self._persist(lambda connection: claims.fail(connection, claim, error))
        except (Lost, *DATABASE_GONE):
            self._ended(claim, "lost")
        else:
            self._ended(claim, "failed", code=error["code"])

    async def _give_back(
        self, claim: Claim, error: dict[str, str] | None, *, after_s: float, burned: bool, outcome: str
    ) -> None:
        try:
            await self._persist(
                lambda connection: claims.give_back(connection, claim, error=error, after_s=after_s, burned=burned)
            )
        except (Lost, *DATABASE_GONE):
            self._ended(claim, "lost")
        else:
            self._ended(claim, outcome, code=error["code"] if error else "")

    async def _persist(self, write: Callable[[Connection], Awaitable[_T]]) -> _T:
        """Write, again while the database is away, for as long as the job may still be ours; writes are fenced."""
        until = time.monotonic() + self._settings.stalled_s
        while True:
            try:
                async with self._pool.connection() as connection:
                    return await write(connection)
            except DATABASE_GONE as error:
                metrics.DATABASE_ERRORS.inc()
                if time.monotonic() >= until:
                    raise
                _LOG.warning("database not reachable", extra={"during": "record", "error": type(error).__name__})
                await asyncio.sleep(_DATABASE_PAUSE_S)

    def _ended(self, claim: Claim, outcome: str, code: str = "") -> None:
        metrics.FINISHED.labels(claim.counted_as, outcome).inc()
        level = logging.WARNING if outcome in {"failed", "retried", "lost"} else logging.INFO
        extra = {"outcome": outcome, "attempt": claim.attempts} | ({"code": code} if code else {})
        _LOG.log(level, "job ended", extra=extra)
