"""Ctrl-C and SIGTERM in the middle of a change: the change is undone like after any failure, and that is not interrupted."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from procedures.refusal import StepFailed

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def as_failure() -> Iterator[None]:
    """Let the first signal fail the phase that runs (StepFailed); further ones are ignored, so that the way back is whole."""

    def fail(number: int, _frame: FrameType | None) -> None:
        ignored()
        raise StepFailed(f"interrupted by {signal.Signals(number).name}")

    before = {each: signal.signal(each, fail) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def ignored() -> None:
    """Ignore them until the block of `as_failure` ends."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
