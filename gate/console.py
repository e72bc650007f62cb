"""Where the command writes. A reader that leaves early (`| head`) must not change what a run does or its exit status."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from rich.console import Console


class Out(Console):
    """A console that goes on in silence when nobody reads any more; rich would end the process with 1, our NO-GO."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        _to_nowhere(sys.stderr if self.stderr else sys.stdout)


def write(text: str) -> None:
    """Write to stdout and see it off, or go on without."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _to_nowhere(sys.stdout)


def _to_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
