"""Around every request: its id, its bound on size, its line in the log, its numbers, and an answer even to a bug of ours."""

from __future__ import annotations

import logging
import re
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

from docjobs import logs
from docjobs.api import metrics, problems

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger("docjobs.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_SLACK_BYTES = 16_384
_OF_USERS = "/v1/"
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class _TooLarge(Exception):
    """More bytes came than a request may have."""


class Observed:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp, document_max_bytes: int) -> None:
        self._app = app
        # A document in base64 takes four bytes for three; escapes in JSON text may take more, up to six for one.
        self._most_bytes = 2 * document_max_bytes + _SLACK_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        logs.request_id.set(request_id)
        logs.job_id.set("")
        started = time.perf_counter()
        status = 0
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most_bytes:
                raise _TooLarge
            return message

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        metrics.IN_PROGRESS.inc()
        try:
            length = headers.get(b"content-length", b"0")
            if not length.isdigit() or int(length) > self._most_bytes:
                raise _TooLarge
            await self._app(scope, counted, answered)
        except _TooLarge:
            refusal = problems.response(413, "document-too-large", f"a request has at most {self._most_bytes} bytes")
            await refusal(scope, receive, answered)
        except Exception:
            _LOG.exception("request failed")
            if status:
                raise
            failure = problems.response(500, "internal", "the request failed; its id finds the reason in our logs")
            await failure(scope, receive, answered)
        finally:
            metrics.IN_PROGRESS.dec()
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        served = route != "unmatched" and status != HTTPStatus.METHOD_NOT_ALLOWED
        method = scope["method"] if served else "other"
        metrics.REQUESTS.labels(method, route, str(status)).inc()
        if served and route.startswith(_OF_USERS):
            metrics.LATENCY.labels(method, route).observe(seconds)
        if route in _QUIET and status < 400:
            return
        job = (scope.get("path_params") or {}).get("job_id") or scope.get("state", {}).get("job_id")
        _LOG.info(
            "request",
            extra={
                "method": scope["method"],
                "route": route,
                "status": status,
                "seconds": round(seconds, 4),
                "tenant": scope.get("state", {}).get("tenant"),
                "subject": scope.get("state", {}).get("subject"),
                "job_id": str(job) if job else None,
            },
        )
