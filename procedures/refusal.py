"""The two ways in which a procedure stops on purpose."""

from __future__ import annotations


class Refused(Exception):
    """Bad input or a bad moment: nothing was changed. `mend` is what the operator can do about it."""

    def __init__(self, reason: str, mend: str = "") -> None:
        self.reason = reason
        self.mend = mend
        super().__init__(f"{reason}. To mend it: {mend}" if mend else reason)


class StepFailed(Exception):
    """A phase did not reach its end; what was begun has to be undone."""
