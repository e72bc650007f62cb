"""One JSON line on standard output for each thing that happened."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime


def say(service: str, level: str, message: str, **facts: object) -> None:
    """Write one line; `facts` must be what JSON can hold."""
    line = {"time": datetime.now(UTC).isoformat(), "level": level, "service": service, "message": message, **facts}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
