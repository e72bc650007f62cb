"""Is the worker of this container alive and in touch with the database? A file says so, no older than a few heartbeats."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_MISSED_BEATS = 4


def check() -> int:
    """0 where the last heartbeat that reached the database is recent, else 1 with the reason on stderr."""
    # Read without the settings module: this runs every few seconds, and its imports would cost more than the check.
    path = Path(os.environ.get("DOCJOBS_HEALTH_FILE", "/tmp/docjobs-worker.health"))  # noqa: S108  # nosec B108: a tmpfs of its own
    most_s = _MISSED_BEATS * float(os.environ.get("DOCJOBS_HEARTBEAT_S", "2"))
    try:
        age_s = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        sys.stderr.write("worker: no heartbeat yet\n")
        return 1
    if age_s > most_s:
        sys.stderr.write(f"worker: last heartbeat {age_s:.0f} s ago\n")
        return 1
    return 0
