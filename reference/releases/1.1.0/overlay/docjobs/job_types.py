"""The types of job this release knows. Each has its own queue, so that an older worker leaves a newer type alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from docjobs.stages import document, indexing, language, summary

Stage = Callable[[document.Work], document.Work]


@dataclass(frozen=True, slots=True)
class JobType:
    """A queue and the stages a job of this type passes, by name and in order; the last is done by the database."""

    name: str
    queue: str
    stages: tuple[tuple[str, Stage], ...]


_PREPARE: tuple[tuple[str, Stage], ...] = (("validate", document.validate), ("extract", language.extract))

INDEX = JobType("index", "jobs", (*_PREPARE, ("chunk", indexing.chunk), ("embed", indexing.embed)))

SUMMARISE = JobType(
    "summarise", "jobs.summarise", (*_PREPARE, ("chunk", indexing.chunk), ("summarise", summary.summarise))
)

JOB_TYPES = {job_type.name: job_type for job_type in (INDEX, SUMMARISE)}
FINAL_STAGE = "index"


def queues() -> list[str]:
    """The queues of real jobs that a worker of this release may take from."""
    return [job_type.queue for job_type in JOB_TYPES.values()]


def canary_queue(colour: str) -> str:
    """The queue that workers of one colour always serve, active or not."""
    return f"canary-{colour}"
