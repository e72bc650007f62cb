"""The application, put together, and the server around it."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from docjobs import database, logs
from docjobs.api import jobs, metrics, problems, state
from docjobs.api.auth import Keys
from docjobs.api.lookout import Lookout
from docjobs.api.middleware import Observed
from docjobs.build import BUILD
from docjobs.settings import ApiSettings
from docjobs.store.submission import Desk

_LOG = logging.getLogger(__name__)
_GRACE_S = 10
_MOST_CONNECTIONS = 512
# Longer than any proxy keeps an idle connection, so that it is never us who close one just as a request comes.
_KEEP_ALIVE_S = 75


def application(settings: ApiSettings) -> FastAPI:
    """The API with its routes, errors and life span; the database may come up later than it."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        pool = database.pool(settings, f"api-{settings.colour}")
        await pool.open()
        app.state.pool = pool
        app.state.desk = Desk(pool, settings.queue_limit)
        await app.state.desk.open()
        metrics.BUILD_INFO.labels("api", BUILD.release, BUILD.revision, settings.colour).set(1)
        app.state.watching = asyncio.create_task(app.state.lookout.watch())
        gc.freeze()
        _LOG.info("api started", extra={"config": settings.fingerprint()})
        yield
        app.state.watching.cancel()
        await asyncio.gather(app.state.watching, return_exceptions=True)
        await pool.close(timeout=2)
        _LOG.info("api stopped")

    app = FastAPI(
        title="docjobs",
        version=BUILD.release,
        description="Documents in, searchable passages out.",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.fingerprint = settings.fingerprint()
    app.state.keys = Keys(settings.jwt_public_key_file)
    app.state.lookout = Lookout(settings)
    problems.install(app)
    app.include_router(state.router)
    app.include_router(jobs.router)
    app.add_middleware(Observed, document_max_bytes=settings.document_max_bytes)
    return app


def serve() -> int:
    """Serve until SIGTERM; requests under way are finished."""
    settings = ApiSettings.load()
    logs.configure("api", settings.log_level, settings.colour)
    uvicorn.run(
        application(settings),
        host="0.0.0.0",  # noqa: S104  # nosec B104: only the app network reaches it
        port=settings.listen_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=_KEEP_ALIVE_S,
        limit_concurrency=_MOST_CONNECTIONS,
    )
    return 0
