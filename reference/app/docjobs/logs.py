"""One JSON object a line on stdout; request and job ids come from the context. No document text, no token."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

from docjobs.build import BUILD

request_id: ContextVar[str] = ContextVar("request_id", default="")
job_id: ContextVar[str] = ContextVar("job_id", default="")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as one line; an exception becomes its type and the places it passed, never its values."""

    def __init__(self, service: str, colour: str = "") -> None:
        super().__init__()
        self._fixed = {"service": service, "release": BUILD.release} | ({"colour": colour} if colour else {})

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **self._fixed,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get() or None,
            "job_id": job_id.get() or None,
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            line["frames"] = [
                f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-8:]
            ]
        return json.dumps(line, default=str, separators=(",", ":"))


def configure(service: str, level: str, colour: str = "") -> None:
    """Send every logger of this process to stdout as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service, colour))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # These name task arguments and SQL at INFO; our own lines say what matters.
    for noisy in ("procrastinate", "uvicorn", "uvicorn.access", "psycopg.pool", "pypdf"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
