"""Who owns what a run created: a label that tells, from the label alone, whether its process still lives."""

from __future__ import annotations

import os
import re
from pathlib import Path

RUN_LABEL = "readygate.run"
OWNER_LABEL = "readygate.owner"
KEEP_LABEL = "readygate.keep"
OWNER_VARIABLE = "READYGATE_OWNER"
_LABEL = re.compile(r"([0-9a-f-]{36}):([0-9]{1,10}):([0-9]+)")


def label(pid: int | None = None) -> str:
    """`<boot id>:<pid>:<start ticks>` of a living process, this one by default.

    The start ticks tell a process from a later one that got its pid; the boot id from one before a restart.
    """
    wanted = os.getpid() if pid is None else pid
    ticks = _start_ticks(wanted)
    if ticks is None:
        raise ProcessLookupError(f"no process {wanted}")
    return f"{_boot_id()}:{wanted}:{ticks}"


def alive(owner: str) -> bool:
    """Whether the process that wrote this label still runs on this machine. A malformed label counts as alive:
    what cannot be understood is not ours to remove."""
    match = _LABEL.fullmatch(owner)
    if match is None:
        return True
    boot_id, pid, ticks = match.groups()
    return boot_id == _boot_id() and _start_ticks(int(pid)) == ticks


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_ticks(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")  # a name is cut after 15 bytes, anywhere
    except (FileNotFoundError, ProcessLookupError):
        return None
    # A name may hold spaces and brackets, so fields count from the last bracket: state is the 3rd, start the 22nd.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]
