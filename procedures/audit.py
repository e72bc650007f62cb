"""The record of every change: JSON lines that are only ever appended to."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from procedures.refusal import Refused

FILE = "audit.jsonl"


def append(folder: Path, record: Mapping[str, Any]) -> None:
    """Add one line to the audit log in `folder`; it is on disk when this returns. Raises OSError, with no half line left."""
    folder.mkdir(parents=True, exist_ok=True)
    line = (json.dumps(record, sort_keys=True) + "\n").encode()
    handle = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # a refused change is recorded while another one is under way
        before = os.fstat(handle).st_size
        if os.write(handle, line) < len(line):
            os.ftruncate(handle, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / FILE))
        os.fsync(handle)
    finally:
        os.close(handle)


def lines(folder: Path) -> list[str]:
    """The lines of the audit log in `folder`, oldest first. Refused where there is none or it cannot be read."""
    file = folder / FILE
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise Refused(
            f"there is no audit log {file}: nothing was changed on this instance by the procedures",
            "set COMPOSE_PROJECT_NAME (or DOCJOBS_STATE_DIR) as for the deployment, if it was another instance",
        ) from None
    except OSError as error:
        raise Refused(f"cannot read the audit log {file}: {error.strerror}", f"ls -l {file}") from None
