"""Errors as RFC 9457 problem documents: a stable type, a sentence, the request id. Never a trace, never the input."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from procrastinate.exceptions import ConnectorException
from starlette.exceptions import HTTPException

from docjobs import logs

_LOG = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = "2"


class Problem(Exception):
    """An answer other than what was asked for; `code` is stable, `detail` a sentence for people."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}


def document(status: int, code: str, detail: str, **more: object) -> dict[str, Any]:
    """The body of a problem."""
    return {
        "type": f"urn:docjobs:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": logs.request_id.get(),
        **more,
    }


def response(
    status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: object
) -> JSONResponse:
    """A problem as a response."""
    return JSONResponse(document(status, code, detail, **more), status, headers, media_type=MEDIA_TYPE)


def install(application: FastAPI) -> None:
    """Make every error of the application a problem document."""

    @application.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> JSONResponse:
        return response(error.status, error.code, error.detail, error.headers)

    @application.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        headers = dict(error.headers) if error.headers else None
        return response(error.status_code, phrase.lower().replace(" ", "-"), phrase, headers)

    @application.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        # The input itself stays out: it may be a document.
        errors = [
            {"at": ".".join(str(part) for part in item["loc"]), "problem": item["msg"]} for item in error.errors()
        ]
        return response(422, "invalid-request", "the request does not have the documented form", errors=errors)

    @application.exception_handler(psycopg.OperationalError)
    @application.exception_handler(ConnectorException)
    async def database(_: Request, error: Exception) -> JSONResponse:
        _LOG.warning("database not reachable", extra={"error": type(error).__name__})
        return response(
            503, "database-unavailable", "the database cannot be reached; try again", {"Retry-After": _RETRY_AFTER_S}
        )
