"""The only place on the gate's side where a process starts. Refuses shells: commands are argv lists.

A child gets SIGKILL when its parent dies, however that happens: a gate killed with -9 leaves no `docker compose`
and no load generator behind.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True)
_LAST_LINES = 12
_LEFT_TO_SAY_S = 2


class CommandFailed(AssertionError):
    """A command ended with a status that its caller does not accept."""

    def __init__(self, what: str, completed: Completed, mend: str = "") -> None:
        self.completed = completed
        self.what = what
        self.mend = mend
        super().__init__(
            f"{what}: `{completed.line}` ended with {completed.status} after {completed.seconds:.1f} s"
            + (f"\n{completed.tail}" if completed.tail else "")
            + (f"\nhint: {mend}" if mend else "")
        )


@dataclass(frozen=True, slots=True)
class Completed:
    """A process that ended: what was asked, how it ended, what it said, how long it took (seconds)."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool = False

    @property
    def line(self) -> str:
        return " ".join(self.argv)

    @property
    def tail(self) -> str:
        """The last lines it said on stderr, or else on stdout."""
        said = self.stderr.strip() or self.stdout.strip()
        lines = said.splitlines()[-_LAST_LINES:]
        if self.timed_out:
            lines.append(f"(ended by the gate: no end within {self.seconds:.0f} s)")
        return "\n".join(lines)

    def check(self, what: str, mend: str = "") -> Completed:
        """Itself, or CommandFailed with `what` was attempted and the command that mends it."""
        if self.status != 0 or self.timed_out:
            raise CommandFailed(what, self, mend)
        return self


def _as_ours() -> None:
    """In the child: die with the parent, and hear SIGINT, which a shell lets its background processes ignore."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
    input: str | None = None,  # noqa: A002  (subprocess's own word)
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run to the end and return what happened, whatever the status. A missing program has status 127.

    The process leads a group of its own, and the whole group is ended at `timeout_s`. It inherits `pass_fds`.
    """
    started = time.monotonic()
    command = tuple(map(str, argv))
    try:
        stdin = subprocess.PIPE if input is not None else subprocess.DEVNULL
        process = start(command, cwd=cwd, env=env, stdin=stdin, pass_fds=pass_fds)
    except OSError as error:
        what = f"{error.filename or command[0]}: {error.strerror or error}"
        return Completed(command, 127, "", what, time.monotonic() - started)
    timed_out = False
    try:
        stdout, stderr = process.communicate(input, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
        kill(process)
        stdout, stderr = _said(process)
    except BaseException:
        kill(process)
        process.wait()
        raise
    return Completed(command, process.returncode, stdout, stderr, time.monotonic() - started, timed_out)


def start(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | None = subprocess.DEVNULL,
    stdout: int | IO[str] = subprocess.PIPE,
    stderr: int | IO[str] = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[str]:
    """Start and return at once. `env` adds to the environment. Raises OSError when the program is missing."""
    return subprocess.Popen(
        list(map(str, argv)),
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        text=True,
        errors="replace",
        start_new_session=True,
        pass_fds=pass_fds,
        preexec_fn=_as_ours,  # noqa: PLW1509  (only two system calls, which are safe after fork)
    )


def end(process: subprocess.Popen[str], *, grace_s: float = 10) -> int:
    """Ask a started process's group to end, insist after `grace_s`, and return its status."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            kill(process)
    return process.wait()


def _said(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What an ended process had said. A grandchild that left the group may hold its pipes open: nobody waits for it."""
    try:
        return process.communicate(timeout=_LEFT_TO_SAY_S)
    except subprocess.TimeoutExpired as error:
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
        stdout, stderr = ((said or b"").decode(errors="replace") for said in (error.stdout, error.stderr))
        return stdout, stderr


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL to a started process and its group, as `kill -9` would; children that left the group live on."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
