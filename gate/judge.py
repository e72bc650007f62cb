"""From what pytest saw of a check to its outcome: pure, and never generous."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gate.model import Check, CheckResult, Measurement, Outcome

Phase = Literal["setup", "call", "teardown"]
How = Literal["passed", "assertion", "unverified", "skipped", "error"]

_SENTENCES: dict[Phase, str] = {
    "setup": "could not be set up",
    "call": "could not find out",
    "teardown": "could not restore the system afterwards",
}
# What is said of a check that was not come to, because the run was ended: nothing else kept it from finding out.
CUT_OFF, NOT_REACHED = "the run was cut off before it", "the run did not reach it"
# Only an end in its middle leaves a phase unseen.
CUT_SHORT = "it never got there"
_WORST_FIRST = (Outcome.FAILED, Outcome.UNVERIFIED, Outcome.NOT_APPLICABLE, Outcome.PASSED)


@dataclass(frozen=True, slots=True)
class Seen:
    """How one phase of a check's test ended, and what was said."""

    phase: Phase
    how: How
    said: str = ""


def judge(
    check: Check, phases: tuple[Seen, ...], observations: int, measurements: tuple[Measurement, ...]
) -> tuple[Outcome, str]:
    """Outcome and the sentence that gives its reason.

    FAILED: the body asserted something that did not hold, or a measurement broke its limit. PASSED: all three phases
    passed with enough observations. Everything else is UNVERIFIED, whatever it was. A phase may be seen several times,
    as pytest reports each subtest of a body: one that did not pass is enough.
    """
    untrue = next((seen for seen in phases if seen.phase == "call" and seen.how == "assertion"), None)
    if untrue:
        return Outcome.FAILED, untrue.said
    broken = [_broken(m) for m in measurements if not m.kept]
    if broken:
        return Outcome.FAILED, "; ".join(broken)
    for phase, sentence in _SENTENCES.items():
        of_phase = [seen for seen in phases if seen.phase == phase]
        unwell = next((seen for seen in of_phase if seen.how != "passed"), None)
        if unwell:
            return Outcome.UNVERIFIED, f"{sentence}: {unwell.said or unwell.how}"
        if not of_phase:
            return Outcome.UNVERIFIED, f"{sentence}: {CUT_SHORT}"
    if observations < check.minimum:
        return Outcome.UNVERIFIED, f"looked at {observations} of at least {check.minimum} things it must look at"
    return Outcome.PASSED, ""


def merged(first: CheckResult, second: CheckResult) -> CheckResult:
    """One result of a check that ran several times: the worst outcome wins, all evidence stays."""
    worst, other = sorted((first, second), key=lambda r: _WORST_FIRST.index(r.outcome))
    return replace(
        worst,
        observations=first.observations + second.observations,
        seconds=first.seconds + second.seconds,
        started=first.started or second.started,
        values={**other.values, **worst.values},
        measurements=first.measurements + second.measurements,
        timeline=tuple(sorted((*first.timeline, *second.timeline), key=lambda m: m.t)),
        series=first.series + second.series,
        attachments=first.attachments + second.attachments,
        findings=first.findings + second.findings,
    )


def _broken(m: Measurement) -> str:
    sign = "at most" if m.direction == "max" else "at least"
    of = f" (worst of {m.n})" if m.n > 1 else ""
    return f"{m.name}: {m.value!r} {m.unit}{of}, must be {sign} {m.limit!r} {m.unit}"
