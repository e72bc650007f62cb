"""What a killed procedure left behind: the next one brings the system to one truth before it begins."""

from __future__ import annotations

from typing import Any

from procedures import rolling
from procedures.commands import other
from procedures.live import Live
from procedures.lock import Lock
from procedures.system import System
from procedures.waiting import until


def settle(lock: Lock, system: System) -> dict[str, Any] | None:
    """Undo a change whose process died before it wrote down the new colour, or end one that had; None: nothing to do.

    Returns what was found and done, for the audit log. Raises CommandFailed, StepFailed or OSError.
    """
    note = lock.left_behind
    if note is None or not note.before:
        return None
    if rolling.began(note.before):
        live = rolling.settle(system, note.before)
        lock.note({})
        return {"found": str(note), "live": live.release, "colour": live.colour}
    before, current = Live.read(note.before), system.live()
    truth = before if before.colour == current.colour else current
    system.record(truth, both=True)
    system.do(system.compose.keep(truth.colour), f"{truth.colour} does not start")
    until(
        lambda: True if system.gateway()[truth.colour]["up"] else None,
        within_s=system.settings.ready_timeout_s,
        every_s=system.settings.poll_s,
        saying=lambda: f"the gateway sees no server of {truth.colour} up",
    )
    system.point_to(truth.colour)
    system.do(system.compose.stop(other(truth.colour)), f"{other(truth.colour)} does not stop")
    system.record(truth)
    lock.note({})
    return {"found": str(note), "live": truth.release, "colour": truth.colour}
