"""Which other lanes of a run are under way: what a measurement waits for that needs the machine (fixtures.alone).

A lane holds a lock on its own context file while its process lives; the kernel gives it back however that process ends.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import BinaryIO

from gate.lane import LaneContext


def hold(context: LaneContext) -> BinaryIO:
    """Say that this lane is under way, until the file that is returned is closed or this process has ended."""
    file = context.file.open("rb+")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def under_way(context: LaneContext) -> tuple[str, ...]:
    """The names of the other lanes of this run that have not ended."""
    own = context.file
    return tuple(sorted(path.stem for path in own.parent.glob("*.json") if path != own and _held(path)))


def _held(path: Path) -> bool:
    with path.open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
