"""How a job looks to a client."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Links(BaseModel):
    """Where to go from here."""

    self: str
    result: str


class JobError(BaseModel):
    """Why the last attempt or the job failed."""

    code: str
    detail: str


class Job(BaseModel):
    """A job as it is now."""

    id: uuid.UUID
    type: str
    title: str
    state: State
    stage: str | None
    attempts: int
    worker: str | None
    release: str | None
    submitter: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: JobError | None
    links: Links


def links(job_id: uuid.UUID) -> Links:
    """The links of a job."""
    return Links(self=f"/v1/jobs/{job_id}", result=f"/v1/jobs/{job_id}/result")


def job(row: dict[str, Any]) -> Job:
    """A row as a client sees it."""
    shown = {field: row[field] for field in Job.model_fields if field != "links"}
    return Job(**shown, links=links(row["id"]))
