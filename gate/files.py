"""A file that is replaced at once or not at all: a full disk or a killed process leaves the one that was there."""

from __future__ import annotations

import os
from pathlib import Path


def replace(path: Path, text: str) -> Path:
    """Put the text where `path` is, safe on the disk, and return the path. Raises OSError, with nothing left of the draft."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _fsync_folder(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        error.filename = str(path)
        raise
    return path


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
