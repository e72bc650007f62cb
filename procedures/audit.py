"""The record of every change: JSON lines that are only ever appended to."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = "audit.jsonl"


def append(folder: Path, record: Mapping[str, Any]) -> None:
    """Add one line to the audit log in `folder`; it is on disk when this returns. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps(record, sort_keys=True) + "\n"
    handle = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
