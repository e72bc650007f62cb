"""One change at a time: a lock the kernel releases when its holder dies, and the note that the holder leaves in it."""

from __future__ import annotations

import dataclasses
import fcntl
import getpass
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from procedures.refusal import Refused

_ROOM = 4096  # bytes; a note has five short values


@dataclass(frozen=True, slots=True)
class Holder:
    """Who changes what since when. `before`: what the environment file held, once something is about to change."""

    who: str
    host: str
    pid: int
    since: str
    what: str
    before: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def me(cls, what: str) -> Holder:
        """This process, from now on."""
        return cls(operator(), socket.gethostname(), os.getpid(), now(), what)

    def __str__(self) -> str:
        return f"{self.what}, by {self.who} (pid {self.pid} on {self.host}) since {self.since}"


class Lock:
    """A lock that is held. `left_behind` is the note of a holder that died in the middle of a change."""

    def __init__(self, file: TextIO, holder: Holder, left_behind: Holder | None) -> None:
        self._file = file
        self._holder = holder
        self.left_behind = left_behind

    def note(self, before: Mapping[str, str]) -> None:
        """Keep what has to be restored should this process die; an empty `before` means: nothing."""
        self._write(dataclasses.replace(self._holder, before=dict(before)))

    def _write(self, holder: Holder | None) -> None:
        # As long as the room kept for it: whatever was there is covered in one write, which needs no more disk than there is.
        text = json.dumps(dataclasses.asdict(holder)) if holder else ""
        os.pwrite(self._file.fileno(), f"{text:<{_ROOM - 1}}\n".encode(), 0)
        os.fsync(self._file.fileno())


@contextmanager
def held(path: Path, what: str) -> Iterator[Lock]:
    """Hold the lock at `path` for `what`. Refused, naming the holder, when another process holds it, or when it cannot be kept.

    The note stays behind when the block ends with something left to restore: the next holder finds it.
    """
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"another change is under way: {_read(file) or 'it has just begun'}", "wait for its end"
            ) from None
        left_behind = _read(file)
        lock = Lock(file, Holder.me(what), left_behind)
        try:
            os.posix_fallocate(file.fileno(), 0, _ROOM)
            lock.note(left_behind.before if left_behind else {})
        except OSError as error:
            raise _unwritable(path, error) from None
        yield lock
        note = _read(file)
        if note is None or not note.before:
            lock._write(None)


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> Refused:
    return Refused(
        f"the lock {path} cannot be written: {error.strerror}",
        f"make room in {path.parent} and let {operator()} write there, or name another folder in DOCJOBS_STATE_DIR",
    )


def operator() -> str:
    """The person behind this process as far as the machine knows."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def now() -> str:
    """The time of day in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(file: TextIO) -> Holder | None:
    file.seek(0)
    text = file.read().strip(" \n\0")
    try:
        return Holder(**json.JSONDecoder().raw_decode(text)[0]) if text else None
    except (ValueError, TypeError):
        return None  # half a note of a process that was killed while it wrote: it had changed nothing yet
