"""What the command turns into a sentence, a hint and an exit status. Imports nothing, so that `--help` is quick."""

from __future__ import annotations

import signal


class UsageError(Exception):
    """The user asked for something that is not there, or wrote a file that cannot be used. Exit 2; `mend` is a command."""

    mend: str = ""

    def __init__(self, what: str, mend: str = "") -> None:
        self.mend = mend
        super().__init__(what)


class CouldNotRunError(Exception):
    """The machine or the system does not let a run begin. Exit 3; `mend` is the command to type."""

    def __init__(self, what: str, mend: str = "") -> None:
        self.mend = mend
        super().__init__(what)


class Stopped(BaseException):
    """The user or the system asked the run to end; `number` is the signal. Exit 130 or 143."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)
