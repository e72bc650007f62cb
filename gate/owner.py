"""Who owns what a run created: a label that tells, from the label alone, whether its process still lives.

Whoever shares an engine reads these labels, so only what is proven dead counts as dead:

| label was written | dead when |
|---|---|
| under this kernel, in this PID namespace | no process has this pid and start |
| under this kernel, in another PID namespace (a container) | root in the machine's own one sees that nobody is left in it |
| under another kernel, on this machine | always: the machine was started again since |
| under another kernel, on another or an unknown machine | never: somebody else uses the same engine |

A machine is told by /etc/machine-id and its host name together: copies of one image share the first.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from pathlib import Path

RUN_LABEL = "readygate.run"
OWNER_LABEL = "readygate.owner"
KEEP_LABEL = "readygate.keep"
OWNER_VARIABLE = "READYGATE_OWNER"
# Without its last two parts: as it was written before namespaces and machines were told apart.
_LABEL = re.compile(r"([0-9a-f-]{36}):([0-9]{1,10}):([0-9]+)(?::([0-9]{1,20}):([0-9a-f]{12}|-))?", re.ASCII)
_MACHINES_OWN_NAMESPACE = "4026531836"  # PROC_PID_INIT_INO of the kernel: every other one lies inside it
_UNKNOWN = "-"


def label(pid: int | None = None) -> str:
    """`<boot id>:<pid>:<start ticks>:<PID namespace>:<machine>` of a living process, this one by default.

    The start ticks tell a process from a later one that got its pid; the boot id from one before a restart.
    """
    ticks = _start_ticks("self" if pid is None else str(pid))
    if ticks is None:
        raise ProcessLookupError(f"no process {pid}")
    return f"{_boot_id()}:{os.getpid() if pid is None else pid}:{ticks}:{_namespace('self')}:{_machine()}"


def alive(owner: str) -> bool:
    """Whether the process that wrote this label may still run. A malformed label counts as alive: what cannot be
    understood is not ours to remove."""
    match = _LABEL.fullmatch(owner)
    if match is None:
        return True
    boot_id, pid, ticks, namespace, machine = match.groups()
    if boot_id != _boot_id():
        return machine is not None and (machine == _UNKNOWN or machine != _machine())
    if namespace is not None and namespace != _namespace("self"):
        return not _empty(namespace)
    if namespace is not None and not _own_proc():
        return True
    return _start_ticks(pid) == ticks


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _namespace(process: str) -> str:
    """The inode of a process's PID namespace. Raises OSError."""
    return str(Path(f"/proc/{process}/ns/pid").stat().st_ino)


def _own_proc() -> bool:
    """Whether /proc shows our own namespace: `unshare --pid` alone leaves the one outside, with other pids."""
    return Path("/proc/self").readlink().name == str(os.getpid())


def _empty(namespace: str) -> bool:
    """Whether nothing is left of another PID namespace. Only root outside all of them sees every process."""
    if os.geteuid() != 0 or _namespace("self") != _MACHINES_OWN_NAMESPACE:
        return False
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if _nested(entry) and _namespace(entry.name) == namespace:
                    return False
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended in between
            except OSError:
                return False
    return True


def _nested(entry: Path) -> bool:
    """Whether a process lives in a namespace inside ours: it has a pid in each."""
    pids = next(
        line for line in (entry / "status").read_text(errors="replace").splitlines() if line.startswith("NSpid:")
    )
    return len(pids.split()) > 2


def _machine() -> str:
    """A digest, because /etc/machine-id itself is not for publication."""
    try:
        machine_id = Path("/etc/machine-id").read_text().strip()
    except OSError:
        return _UNKNOWN
    return hashlib.sha256(f"{machine_id} {socket.gethostname()}".encode()).hexdigest()[:12] if machine_id else _UNKNOWN


def _start_ticks(process: str) -> str | None:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(errors="replace")  # a name is cut after 15 bytes, anywhere
    except (FileNotFoundError, ProcessLookupError):
        return None
    # A name may hold spaces and brackets, so fields count from the last bracket: state is the 3rd, start the 22nd.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]
