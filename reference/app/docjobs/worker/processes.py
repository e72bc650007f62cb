"""Stages run in processes of their own: heavy work cannot silence the heartbeat, and a deadly document kills no worker."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import ForkServerContext

from docjobs.job_types import Stage
from docjobs.stages.document import Work
from docjobs.worker import metrics

_MEMORY_BYTES = 1 << 30


class StageDied(Exception):
    """The process that ran this stage died, also when it ran nothing else."""


class StageProcesses:
    """A pool of processes that is replaced when one of them dies."""

    def __init__(self, processes: int, cpu_s: int) -> None:
        self._processes = processes
        self._cpu_s = cpu_s
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["docjobs.job_types"])
        self._pool = self._new(processes)

    async def run(self, stage: Stage, work: Work) -> Work:
        """The work after the stage; raises what the stage raises, or StageDied.

        When a process dies, all who used the pool are told so. Each tries once more, alone: only the one at fault dies again.
        """
        pool = self._pool
        try:
            return await self._in(pool, stage, work)
        except BrokenProcessPool:
            metrics.STAGE_CRASHES.inc()
            if self._pool is pool:
                self._pool = self._new(self._processes)
                pool.shutdown(wait=False)
        alone = self._new(1)
        try:
            return await self._in(alone, stage, work)
        except BrokenProcessPool:
            metrics.STAGE_CRASHES.inc()
            raise StageDied from None
        finally:
            alone.shutdown(wait=False)

    def warm(self) -> None:
        """Start the processes before the first job needs them."""
        for _ in range(self._processes):
            self._pool.submit(_nothing)

    def close(self) -> None:
        """End the processes, whatever they do; their jobs are back in the queue by now."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.kill()

    async def _in(self, pool: ProcessPoolExecutor, stage: Stage, work: Work) -> Work:
        return await asyncio.get_running_loop().run_in_executor(pool, _limited, stage, work, self._cpu_s)

    def _new(self, processes: int) -> ProcessPoolExecutor:
        context: ForkServerContext = self._context
        return ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare)


def _prepare() -> None:
    # The worker decides when to stop; a signal to the whole group must not end a stage half way.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limited(stage: Stage, work: Work, cpu_s: int) -> Work:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    return stage(work)


def _nothing() -> None:
    return None
