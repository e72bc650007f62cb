"""The routes about the API itself: alive, ready, which release, and its numbers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import PlainTextResponse

from docjobs import exposition
from docjobs.api import metrics, problems
from docjobs.build import BUILD
from docjobs.store import presence

router = APIRouter(tags=["state"])
_DATABASE_WAIT_S = 1.5
_PUBLIC: dict[str, Any] = {"security": []}


@router.get("/healthz", openapi_extra=_PUBLIC)
async def alive() -> dict[str, str]:
    """The process answers; says nothing about what it depends on."""
    return {"status": "alive"}


@router.get(
    "/readyz",
    response_model=None,
    responses={503: {"description": "Not ready; says what is missing"}},
    openapi_extra=_PUBLIC,
)
async def ready(request: Request) -> dict[str, str] | Response:
    """The API can serve: database, schema version and queue."""
    if missing := request.app.state.lookout.missing:
        return problems.response(503, "not-ready", "the API cannot serve yet", missing=missing)
    return {"status": "ready"}


@router.get("/version", openapi_extra=_PUBLIC)
async def version(request: Request) -> dict[str, str]:
    """What runs here, and a fingerprint of its effective configuration."""
    return {
        "release": BUILD.release,
        "revision": BUILD.revision,
        "config": request.app.state.fingerprint,
    }


@router.get("/active-colour", include_in_schema=False, response_class=PlainTextResponse)
async def active_colour(request: Request) -> str:
    """For the gateway, which asks on its first start; 503 while the database cannot say."""
    async with request.app.state.pool.connection(timeout=_DATABASE_WAIT_S) as connection:
        colour = await presence.active_colour(connection)
    if not colour:
        raise problems.Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", "no colour is active yet")
    return colour + "\n"


@router.get("/metrics", include_in_schema=False)
async def numbers(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
    """For Prometheus, on the inner network."""
    if not exposition.may_read(request.app.state.settings.metrics_token_file, authorization):
        return problems.response(401, "unauthorised", "the metrics token is required", {"WWW-Authenticate": "Bearer"})
    if request.app.state.watching.done():
        request.app.state.watching.result()  # it never ends but by a bug: better no numbers than those of that moment
    metrics.DATABASE_UP.set(request.app.state.lookout.database_answers)
    metrics.AGE_LIMIT.set(request.app.state.settings.queue_age_limit_s)
    stats = request.app.state.pool.get_stats()
    metrics.POOL_SIZE.set(stats.get("pool_size", 0))
    metrics.POOL_MAX.set(stats.get("pool_max", 0))
    metrics.POOL_FREE.set(stats.get("pool_available", 0))
    metrics.POOL_WAITING.set(stats.get("requests_waiting", 0))
    return Response(exposition.text(), headers={"Content-Type": exposition.CONTENT_TYPE})
