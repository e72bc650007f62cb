"""The text Prometheus reads, and who may read it."""

from __future__ import annotations

import hmac
import platform
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, disable_created_metrics, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
# When each series began: nobody asks, and it makes a seventh of the text that is read twice a second.
disable_created_metrics()
# A container that starts again keeps its host name, one that a deployment makes has a new one: only the former is a loop.
STARTED = Gauge("docjobs_start_timestamp_seconds", "When this process began; the host is its container", ["host"])
STARTED.labels(platform.node()).set_to_current_time()


def text() -> bytes:
    """All metrics of this process."""
    return generate_latest()


def may_read(token_file: Path | None, authorization: str) -> bool:
    """Whether the header carries the token of the file; everybody may where no file is set."""
    if token_file is None:
        return True
    expected = f"Bearer {token_file.read_text(encoding='utf-8').strip()}"
    return hmac.compare_digest(expected.encode(), authorization.encode())
