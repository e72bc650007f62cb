"""The rehearsal: the new release is read beside the live one before any user meets it."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from procedures import bake, paired_reads, traffic
from procedures.refusal import StepFailed
from procedures.settings import Settings
from procedures.shell import CommandFailed
from procedures.system import System, object_in
from procedures.window import Counters, Verdict

PORT = 8000
WARM_UP = 5
# Ends the reading of a release so slow that all the reads would take minutes; whatever is known by then is plain enough.
WITHIN_S = 10.0
ENOUGH = 2 / 3  # of the reads: 100 of 150 show a release that fails at 5 % by two failures with 96 %
FEWEST_FAILED = (
    2  # one failed read of a hundred may be an accident; of a release that fails at 5 %, 150 reads show two (99.6 %)
)
_BAD_REQUEST, _BROKEN = 400, 500


@dataclass(frozen=True, slots=True)
class Side:
    """How one release answered: statuses (0: no answer) and milliseconds, read by read."""

    statuses: tuple[int, ...]
    ms: tuple[float, ...]

    @property
    def broken(self) -> int:
        """Reads without an answer, or answered with 5xx."""
        return sum(status == paired_reads.NO_ANSWER or status >= _BROKEN for status in self.statuses)

    @property
    def failed(self) -> int:
        """Reads that did not get what they asked for, 4xx included."""
        return sum(status == paired_reads.NO_ANSWER or status >= _BAD_REQUEST for status in self.statuses)

    @property
    def median_ms(self) -> float:
        return statistics.median(self.ms)

    @classmethod
    def read(cls, said: dict[str, Any]) -> Side:
        """From what the script printed. Raises KeyError, TypeError or ValueError."""
        return cls(tuple(map(int, said["statuses"])), tuple(map(float, said["ms"])))

    def said(self) -> str:
        """The statuses that are no success, with how often."""
        bad = Counter(each for each in self.statuses if each == paired_reads.NO_ANSWER or each >= _BAD_REQUEST)
        return ", ".join(f"{count} times {status or 'no answer'}" for status, count in sorted(bad.items()))


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was found, and what the new release had counted of requests by its end (None: it does not say)."""

    verdict: Verdict
    reason: str
    new: Side | None = None
    live: Side | None = None
    counted: Counters | None = None

    def record(self) -> dict[str, Any]:
        """As kept in the audit log; medians in milliseconds."""
        said: dict[str, Any] = {"verdict": self.verdict, "reason": self.reason}
        for name, side in (("new", self.new), ("live", self.live)):
            if side:
                said[name] = {"reads": len(side.ms), "failed": side.failed, "median_ms": round(side.median_ms, 1)}
        return said


def rehearsed(system: System, *, new: str, live: str) -> Rehearsal:
    """Read either colour by turns from inside the new one's container.

    Raises StepFailed when the new one's container cannot do even that.
    """
    try:
        token = traffic.token(system)
    except (CommandFailed, OSError, ValueError) as error:
        return Rehearsal("not judged", " ".join(str(error).split()), counted=Counters())
    wish = {
        "new": f"127.0.0.1:{PORT}",
        "live": f"api-{live}:{PORT}",
        "path": traffic.PATH,
        "token": token,
        "reads": round(system.settings.rehearsal_reads),
        "warm_up": WARM_UP,
        "within_s": WITHIN_S,
        "metrics": bake.NAMES,
    }
    answer = system.ask(system.compose.script(f"api-{new}"), text=script(wish))
    if not answer.ok:
        why = " ".join(answer.last_lines(1)) or f"exit status {answer.status}"
        raise StepFailed(f"the rehearsal cannot be held in api-{new}: {why}")
    said = object_in(answer)
    try:
        counted = None if said["counted"] is None else bake.counted(said["counted"])
        found = Rehearsal("good", "", Side.read(said["new"]), Side.read(said["live"]), counted)
    except (KeyError, TypeError, ValueError):
        raise StepFailed(f"the rehearsal in api-{new} ended with {answer.stdout[-120:]!r}") from None
    return judged(found, system.settings)


def script(wish: dict[str, Any]) -> str:
    """The text that a Python beside the servers gets on its stdin."""
    source = Path(paired_reads.__file__).read_text(encoding="utf-8")
    return f"{source}\n\nsys.exit(main({json.dumps(wish)!r}))\n"


def judged(found: Rehearsal, settings: Settings) -> Rehearsal:
    """The verdict on what was read.

    Bad: too many reads of the new release failed, or it is many times slower than the live one at the same moment. A live
    release that fails by itself is no measure of speed, and does not keep a sound one from replacing it: not judged.
    """
    new, live = found.new, found.live
    if not (new and live and new.ms and live.ms):
        return replace(found, verdict="not judged", reason="nothing was read")
    sound = not _too_many(live.failed, len(live.ms), settings)
    failed = (
        new.failed if sound else new.broken
    )  # 4xx from either says that our token is not welcome, not that it is bad
    if _too_many(failed, len(new.ms), settings):
        return replace(found, verdict="bad", reason=f"{failed} of {len(new.ms)} reads failed ({new.said()})")
    if not sound:
        reason = (
            f"{live.failed} of {len(live.ms)} reads of the live release failed ({live.said()}): nothing to compare with"
        )
        return replace(found, verdict="not judged", reason=reason)
    limit = max(settings.rehearsal_ratio * live.median_ms, live.median_ms + settings.rehearsal_floor_ms)
    beside = f"{new.median_ms:.1f} ms beside {live.median_ms:.1f} ms of the live release"
    if new.median_ms > limit:
        return replace(
            found, verdict="bad", reason=f"half of {len(new.ms)} reads took {beside}, more than {limit:.1f} ms"
        )
    if len(new.ms) < ENOUGH * settings.rehearsal_reads:
        few = (
            f"{len(new.ms)} of {settings.rehearsal_reads:g} reads in {WITHIN_S:g} s are too few to show that it is good"
        )
        return replace(found, verdict="not judged", reason=few)
    return replace(found, verdict="good", reason=f"{failed} of {len(new.ms)} reads failed, half within {beside}")


def _too_many(failed: int, reads: int, settings: Settings) -> bool:
    return failed >= FEWEST_FAILED and failed > settings.error_share * reads
