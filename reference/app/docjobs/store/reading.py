"""Jobs as their owners may see them: every query names the tenant, and the submitter where only own jobs may be seen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docjobs.database import Connection
from docjobs.store.columns import JOB


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose jobs a caller may see; `submitter` None means all of the tenant."""

    tenant: str
    submitter: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Narrows a listing; None does not narrow. `before` is the number of the last job of the page before."""

    state: str | None
    type: str | None
    created_after: datetime | None
    created_before: datetime | None
    before: int | None
    limit: int


async def job(connection: Connection, sight: Sight, job_id: uuid.UUID) -> dict[str, Any] | None:
    """The job's row, or None where there is none in sight."""
    cursor = await connection.execute(
        f"SELECT {JOB} FROM job WHERE id = %(id)s AND tenant = %(tenant)s"  # noqa: S608  # nosec B608: JOB is a constant of ours
        " AND (%(submitter)s::text IS NULL OR submitter = %(submitter)s)",
        {"id": job_id, "tenant": sight.tenant, "submitter": sight.submitter},
    )
    return await cursor.fetchone()


async def jobs(connection: Connection, sight: Sight, filters: Filters) -> list[dict[str, Any]]:
    """A page of jobs, newest first."""
    cursor = await connection.execute(
        f"SELECT {JOB} FROM job WHERE tenant = %(tenant)s"  # noqa: S608  # nosec B608: JOB is a constant of ours
        " AND (%(submitter)s::text IS NULL OR submitter = %(submitter)s)"
        " AND (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(type)s::text IS NULL OR type = %(type)s)"
        " AND (%(after)s::timestamptz IS NULL OR created_at >= %(after)s)"
        " AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)"
        " AND (%(before)s::bigint IS NULL OR number < %(before)s)"
        " ORDER BY number DESC LIMIT %(limit)s",
        {
            "tenant": sight.tenant,
            "submitter": sight.submitter,
            "state": filters.state,
            "type": filters.type,
            "after": filters.created_after,
            "until": filters.created_before,
            "before": filters.before,
            "limit": filters.limit,
        },
    )
    return await cursor.fetchall()


async def stages(connection: Connection, job_id: uuid.UUID) -> list[dict[str, Any]]:
    """The stages a job has passed, with their seconds; the caller has checked that the job is in sight."""
    cursor = await connection.execute(
        "SELECT name, attempt, seconds, at FROM stage WHERE job_id = %s ORDER BY at, name", (job_id,)
    )
    return await cursor.fetchall()


async def passages(connection: Connection, job_id: uuid.UUID, query: str | None, limit: int) -> list[dict[str, Any]]:
    """The passages of a result, the best matches of `query` first; the caller has checked that the job is in sight."""
    cursor = await connection.execute(
        "SELECT position, content, embedding,"
        " CASE WHEN %(query)s::text IS NULL THEN NULL"
        " ELSE ts_rank(search, websearch_to_tsquery('simple', %(query)s)) END AS rank"
        " FROM chunk WHERE job_id = %(id)s"
        " AND (%(query)s::text IS NULL OR search @@ websearch_to_tsquery('simple', %(query)s))"
        " ORDER BY rank DESC NULLS LAST, position LIMIT %(limit)s",
        {"id": job_id, "query": query, "limit": limit},
    )
    return await cursor.fetchall()
