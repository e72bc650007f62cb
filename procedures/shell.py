"""The one place on the operators' side where a process starts: argv lists, time limits, errors that say how to mend."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

NOT_FOUND = 127
TIMED_OUT = 124
_LAST_LINES = 12
_GRACE_S = 5.0


class CommandFailed(Exception):
    """A command that ended badly: what it was for, how it ended, its last lines, and the command that mends it."""

    def __init__(self, what: str, *, status: int, last_lines: Sequence[str] = (), mend: str = "") -> None:
        self.what = what
        self.status = status
        self.last_lines = tuple(last_lines)
        self.mend = mend
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [f"{self.what} ({_ending(self.status)})"]
        parts += [f"  {line}" for line in self.last_lines]
        if self.mend:
            parts.append(f"To mend it: {self.mend}")
        return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class Completed:
    """A process that has ended: what ran, how it ended, what it said, and how many seconds it took."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.status == 0

    def last_lines(self, count: int = _LAST_LINES) -> tuple[str, ...]:
        """The end of what it said on stderr, or on stdout when stderr stayed empty."""
        said = self.stderr if self.stderr.strip() else self.stdout
        return tuple(line.rstrip() for line in said.splitlines() if line.strip())[-count:]

    def check(self, what: str, mend: str = "") -> Completed:
        """Return itself when the status is 0; raise CommandFailed naming `what` otherwise."""
        if self.ok:
            return self
        raise CommandFailed(what, status=self.status, last_lines=self.last_lines(), mend=mend)


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
    input: str | bytes | None = None,  # noqa: A002 - the name subprocess gives it
    stream: bool = False,
    source: IO[bytes] | None = None,
    into: IO[bytes] | None = None,
) -> Completed:
    """Run `argv` to its end and return how it ended; a missing program is status 127, an exceeded `timeout_s` 124.

    `env` is laid over this process's environment. `stream` also shows the output on our stderr while it runs. `source` and
    `into` are open files in place of stdin and stdout, for what does not fit into memory or is no text.
    """
    words = tuple(os.fspath(word) for word in argv)
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            stdin=source or (subprocess.DEVNULL if input is None else subprocess.PIPE),
            stdout=into or subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return Completed(words, NOT_FOUND, "", f"{words[0]}: {error.strerror or error}", time.monotonic() - began)
    out, err = _Reader(process.stdout, echo=stream), _Reader(process.stderr, echo=stream)
    writer = _feed(process, input)
    try:
        status = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _end(process)
        err.add(f"\n{words[0]}: stopped after {timeout_s:g} s without an end")
        status = TIMED_OUT
    except BaseException:  # Ctrl-C and SystemExit: the child is in its own session and would outlive us
        _end(process)
        raise
    if writer is not None:
        writer.join(_GRACE_S)
    return Completed(words, _shell_status(status), out.text(), err.text(), time.monotonic() - began)


def start_detached(argv: Sequence[str], *, log: Path) -> int:
    """Start a process that outlives this one, its output appended to `log`; return its process id. Raises OSError."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/"
        )
    process.returncode = 0  # deliberately left running: no warning about a child that was never waited for
    return process.pid


class _Reader:
    """Drains one pipe of a process so that it never blocks, and shows the lines meanwhile if asked."""

    def __init__(self, pipe: IO[bytes] | None, *, echo: bool) -> None:
        self._chunks: list[bytes] = []
        self._pipe = pipe
        self._echo = echo
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        if self._pipe is None:
            return
        with self._pipe as pipe:
            for line in pipe:
                self._chunks.append(line)
                if self._echo:
                    sys.stderr.write(line.decode(errors="replace"))
                    sys.stderr.flush()

    def add(self, line: str) -> None:
        self._chunks.append(line.encode())

    def text(self) -> str:
        # A grandchild may hold the pipe open after the process ended: what was said so far is enough then.
        self._thread.join(_GRACE_S)
        return b"".join(self._chunks).decode(errors="replace")


def _feed(process: subprocess.Popen[bytes], text: str | bytes | None) -> threading.Thread | None:
    pipe = process.stdin
    if text is None or pipe is None:
        return None
    data = text.encode() if isinstance(text, str) else text

    def write() -> None:
        try:
            with pipe:
                pipe.write(data)
        except BrokenPipeError:
            return  # it ended without reading everything; its status tells why

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the process and everything it started: SIGTERM, then SIGKILL after five seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):  # already gone: only its status is left to collect
            os.killpg(process.pid, number)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            continue
        return


def _shell_status(status: int) -> int:
    return 128 - status if status < 0 else status


def _ending(status: int) -> str:
    if status == TIMED_OUT:
        return "ran out of time"
    if status == NOT_FOUND:
        return "program not found"
    return f"exit status {status}"
