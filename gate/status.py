"""The exit statuses of every command: one table feeds the help, the documents and results.json."""

from __future__ import annotations

from enum import IntEnum

from gate.model import Decision


class ExitStatus(IntEnum):
    """What the process tells its caller; `sentence` says it to a reader."""

    sentence: str

    GO = 0, "GO: every required check passed or is covered by a valid waiver."
    NO_GO = 1, "NO-GO: a required check failed, or a waiver is expired or unused."
    USAGE = 2, "Usage or configuration error: nothing was started."
    COULD_NOT_RUN = 3, "Could not run: engine, port, disk or registry; trying again is sensible."
    INCOMPLETE = 4, "INCOMPLETE: a required check is unverified or missing, or the run was narrowed or cut off."
    BUG = 5, "A bug in the gate: please report it with the traceback that was saved."
    INTERRUPTED = 130, "Interrupted (Ctrl-C): the report says what was found until then."
    TERMINATED = 143, "Terminated (SIGTERM): the report says what was found until then."

    def __new__(cls, value: int, sentence: str) -> ExitStatus:
        """Make a member of the number that the process exits with; `sentence` is carried along."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    @classmethod
    def by_signal(cls, number: int) -> ExitStatus:
        """Return the status of a command that this signal ended: 128 + its number, as shells have it."""
        return next(status for status in cls if status == 128 + number)

    @classmethod
    def of(cls, decision: Decision) -> ExitStatus:
        """Return the status of a finished run's decision."""
        return {Decision.GO: cls.GO, Decision.NO_GO: cls.NO_GO, Decision.INCOMPLETE: cls.INCOMPLETE}[decision]
