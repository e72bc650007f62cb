"""The routes about jobs."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import AwareDatetime

from docjobs import logs
from docjobs.api import cursor, job_view, metrics, representation
from docjobs.api.auth import Caller, Operator, Reader, Submitter
from docjobs.api.problems import MEDIA_TYPE, Problem
from docjobs.database import Connection
from docjobs.job_types import JOB_TYPES
from docjobs.store import decision, reading
from docjobs.store.submission import KeyReused, QueueFull, Submission

_COME_AGAIN_S = 10

_PROBLEM: dict[str, Any] = {
    "content": {MEDIA_TYPE: {"schema": {"type": "object", "required": ["type", "title", "status", "detail"]}}}
}


def _answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"description": HTTPStatus(status).phrase, **_PROBLEM} for status in (401, 403, 422, 503, *statuses)
    }


router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Key = Annotated[str | None, Header(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


@router.post("", status_code=202, responses=_answers(409, 413, 429))
async def submit(
    asked: representation.Asked, who: Submitter, request: Request, response: Response, idempotency_key: Key = None
) -> representation.AcceptedJob:
    """Take a job in. The same Idempotency-Key with the same body gives the same job, for ever; with another body 409.
    While too many jobs wait, 429 (the caller's tenant has its share) or 503, with Retry-After."""
    try:
        content = asked.content()
    except ValueError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", str(error)) from None
    settings = request.app.state.settings
    if len(content) > settings.document_max_bytes:
        most = f"a document has at most {settings.document_max_bytes} bytes"
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "document-too-large", most)
    submission = Submission(
        tenant=who.tenant,
        submitter=who.subject,
        idempotency_key=idempotency_key,
        type=asked.type,
        queue=JOB_TYPES[asked.type].queue,
        title=asked.title,
        media_type=asked.media_type or "text/plain",
        content=content,
        request_id=logs.request_id.get(),
        max_attempts=settings.max_attempts,
    )
    try:
        accepted = await request.app.state.desk.submit(submission)
    except KeyReused:
        reused = "this Idempotency-Key was used with another body"
        raise Problem(HTTPStatus.CONFLICT, "idempotency-key-reused", reused) from None
    except QueueFull as full:
        raise _too_many(full) from None
    request.state.job_id = accepted.id
    if accepted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    else:
        metrics.SUBMITTED.labels(asked.type).inc()
    links = job_view.links(accepted.id)
    response.headers["Location"] = links.self
    return representation.AcceptedJob(id=accepted.id, state=accepted.state, links=links)


@router.get("", responses=_answers())
async def list_jobs(
    who: Reader,
    request: Request,
    state: job_view.State | None = None,
    type: Annotated[str | None, Query(max_length=64, pattern=r"^[a-z-]+$")] = None,  # noqa: A002  (the field's name)
    created_after: AwareDatetime | None = None,
    created_before: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=64)] = None,
) -> representation.Jobs:
    """The jobs the caller may see, newest first, a page at a time."""
    filters = reading.Filters(
        state=state,
        type=type,
        created_after=created_after,
        created_before=created_before,
        before=cursor.decode(cursor_) if cursor_ is not None else None,
        limit=limit + 1,
    )
    async with request.app.state.pool.connection() as connection:
        rows = await reading.jobs(connection, who.sight, filters)
    page = rows[:limit]
    following = cursor.encode(page[-1]["number"]) if len(rows) > limit else None
    return representation.Jobs(items=[job_view.job(row) for row in page], next_cursor=following)


@router.get("/{job_id}", responses=_answers(404))
async def read(job_id: uuid.UUID, who: Reader, request: Request) -> job_view.Job:
    """One job."""
    async with request.app.state.pool.connection() as connection:
        return job_view.job(await _in_sight(connection, who, job_id))


@router.get("/{job_id}/result", responses=_answers(404, 409))
async def result(
    job_id: uuid.UUID,
    who: Reader,
    request: Request,
    q: Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> representation.Result:
    """What came of a succeeded job; `q` searches its passages."""
    async with request.app.state.pool.connection() as connection:
        row = await _in_sight(connection, who, job_id)
        if row["state"] != "succeeded":
            raise Problem(HTTPStatus.CONFLICT, "no-result", f"the job is {row['state']}: there is no result")
        stages = await reading.stages(connection, job_id)
        passages = await reading.passages(connection, job_id, q, limit)
    return representation.Result(id=job_id, summary=row["result"], stages=stages, passages=passages)


@router.post("/{job_id}/cancel", responses=_answers(404, 409))
async def cancel(job_id: uuid.UUID, who: Operator, request: Request) -> job_view.Job:
    """Cancel an unfinished job, at once: it will leave no effect. Again is fine; a finished job gives 409."""
    async with request.app.state.pool.connection() as connection:
        await _in_sight(connection, who, job_id)
        await decision.cancel(connection, who.tenant, job_id)
        row = await _in_sight(connection, who, job_id)
    if row["state"] != "cancelled":
        raise Problem(HTTPStatus.CONFLICT, "already-finished", f"the job is {row['state']} already")
    return job_view.job(row)


@router.post("/{job_id}/retry", status_code=202, responses=_answers(404, 409, 429))
async def retry(job_id: uuid.UUID, who: Operator, request: Request) -> job_view.Job:
    """Queue a failed or cancelled job again, with all its attempts."""
    async with request.app.state.pool.connection() as connection:
        row = await _in_sight(connection, who, job_id)
        job_type = JOB_TYPES.get(row["type"])
        if job_type is None:
            unknown = "this release does not know the job's type"
            raise Problem(HTTPStatus.CONFLICT, "type-unknown", unknown)
        try:
            again = await decision.retry(connection, request.app.state.desk, who.tenant, job_id, job_type.queue)
        except QueueFull as full:
            raise _too_many(full) from None
        if not again:
            raise Problem(
                HTTPStatus.CONFLICT, "not-retryable", f"the job is {row['state']}: only failed or cancelled ones"
            )
        return job_view.job(await _in_sight(connection, who, job_id))


def _too_many(full: QueueFull) -> Problem:
    metrics.DECLINED.labels("tenant" if full.tenant else "everybody").inc()
    again = {"Retry-After": str(_COME_AGAIN_S)}
    if full.tenant:
        return Problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-jobs-wait", "too many jobs of this tenant wait", again)
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "queue-full", "too many jobs wait; try again", again)


async def _in_sight(connection: Connection, who: Caller, job_id: uuid.UUID) -> dict[str, Any]:
    """The job's row; to a caller who may not see it, it does not exist."""
    row = await reading.job(connection, who.sight, job_id)
    if row is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no-such-job", "there is no such job")
    return row
