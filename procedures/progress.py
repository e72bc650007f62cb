"""What an operator sees while a change is carried out, and how long each phase of it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from procedures.lock import now
from procedures.visible import visible


@dataclass(slots=True)
class Stopwatch:
    """How long each phase took, in seconds, in order."""

    began: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a block under `name`, also when it fails, and say that it began."""
        say(name)
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = time.monotonic() - began

    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began


def say(text: str) -> None:
    """Tell the operator on stderr; stdout is kept for the result."""
    sys.stderr.write(visible(f"{now()}  {text}\n"))
    sys.stderr.flush()
