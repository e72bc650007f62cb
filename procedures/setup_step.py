"""What set-up says while it works: one line for every step with its time, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

COULD_NOT_RUN = 3
FAULTY_INPUT = 1


class SetupFailed(Exception):
    """A step that cannot be done: one sentence, the command that mends it, and the status to exit with."""

    def __init__(self, sentence: str, mend: str, *, status: int = COULD_NOT_RUN) -> None:
        self.sentence = sentence
        self.mend = mend
        self.status = status
        super().__init__(f"{sentence} To mend it: {mend}")


class Step:
    """A running step; what it found is said when it ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found = "done"

    def say(self, text: str) -> None:
        """Tell that something long begins, so that silence never reads as hanging."""
        _line("…", self.name, text)


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Time a step in seconds and print its line, also when it fails."""
    began = time.monotonic()
    running = Step(name)
    try:
        yield running
    except BaseException:
        _line("✕", name, f"not done ({time.monotonic() - began:.1f} s)")
        raise
    _line("✓", name, f"{running.found} ({time.monotonic() - began:.1f} s)")


def _line(sign: str, name: str, text: str) -> None:
    sys.stderr.write(f"  {sign} {name:<12} {text}\n")
    sys.stderr.flush()
