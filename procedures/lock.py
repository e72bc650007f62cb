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
        # The new note covers the old one before the rest is cut off: killed in between, the first object is whole.
        self._file.seek(0)
        self._file.write(json.dumps(dataclasses.asdict(holder)) if holder else "")
        self._file.flush()
        self._file.truncate(self._file.tell())
        os.fsync(self._file.fileno())


@contextmanager
def held(path: Path, what: str) -> Iterator[Lock]:
    """Hold the lock at `path` for `what`. Refused, naming the holder, when another process holds it.

    The note stays behind when the block ends with something left to restore: the next holder finds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+" if path.exists() else "w+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"another change is under way: {_read(file) or 'it has just begun'}", "wait for its end"
            ) from None
        left_behind = _read(file)
        lock = Lock(file, Holder.me(what), left_behind)
        lock.note(left_behind.before if left_behind else {})
        yield lock
        note = _read(file)
        if note is None or not note.before:
            lock._write(None)


def operator() -> str:
    """The person behind this process as far as the machine knows."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def now() -> str:
    """The time of day in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(file: TextIO) -> Holder | None:
    file.seek(0)
    text = file.read()
    try:
        return Holder(**json.JSONDecoder().raw_decode(text)[0]) if text else None
    except (ValueError, TypeError):
        return None  # half a note of a process that was killed while it wrote: it had changed nothing yet
