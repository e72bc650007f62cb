"""The one place where the procedures wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from procedures.refusal import StepFailed

Found = TypeVar("Found")


def until(probe: Callable[[], Found | None], *, within_s: float, every_s: float, saying: Callable[[], str]) -> Found:
    """What `probe` found, once it is not None; StepFailed with what `saying` says when `within_s` seconds have passed."""
    end = time.monotonic() + within_s
    while True:
        found = probe()
        if found is not None:
            return found
        if time.monotonic() >= end:
            raise StepFailed(f"{saying()} within {within_s:g} s")
        pause(every_s)


def pause(seconds: float) -> None:
    """Wait for `seconds`."""
    time.sleep(seconds)
