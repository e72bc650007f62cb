"""The judgement: a pure function of a run and a day. Refuses to read files, clocks or limits of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Literal

from gate.judge import CUT_OFF, CUT_SHORT, NOT_REACHED
from gate.model import Blocker, CheckResult, Decision, Measurement, Outcome, Run, Verdict, Waiver

Kind = Literal["failed", "unverified", "missing", "waiver", "narrowed", "lane"]

# Who can act: a NO-GO belongs to the team of the system, an INCOMPLETE to whoever can make the gate see.
SYSTEM_OWNER = "the system's team"
GATE_OWNER = "whoever runs the gate"
_AGAIN = "run again: readygate run"
# What was seen to be wrong before what was not seen: where only the first few are shown, a failure must be among them.
_WORST_FIRST: tuple[Kind, ...] = ("failed", "waiver", "unverified", "missing", "narrowed", "lane")


def judged(check: CheckResult) -> Outcome:
    """Return the outcome that the evidence supports: a pass with a broken limit failed, one not seen is unverified."""
    if check.outcome is not Outcome.PASSED:
        return check.outcome
    if broken(check):
        return Outcome.FAILED
    return Outcome.PASSED if check.observations >= max(check.minimum, 1) else Outcome.UNVERIFIED


def broken(check: CheckResult) -> Measurement | None:
    """Return the first measurement that breaks its limit, None when all keep theirs."""
    return next((measurement for measurement in check.measurements if not measurement.kept), None)


def waived(check: CheckResult, today: date) -> bool:
    """Say whether a waiver of this very outcome, valid on `today` (UTC), stands for the check."""
    waiver = check.waiver
    return waiver is not None and waiver.outcome == judged(check) and not expired(waiver, today)


def expired(waiver: Waiver, today: date) -> bool:
    """Say whether the waiver's last day (UTC) has gone by; a day that cannot be read has."""
    try:
        return date.fromisoformat(waiver.expires) < today
    except ValueError:
        return True


def decide(run: Run, today: date) -> Verdict:
    """Judge the run as of `today` (UTC); NO-GO outranks INCOMPLETE, and nothing but evidence yields GO. The blockers come
    with the failed first, then the unverified, those of a kind in the order of the run."""
    found = (*_of_checks(run, today), *_of_unused_waivers(run, today), *_of_the_run(run))
    blockers = tuple(sorted(found, key=lambda blocker: _WORST_FIRST.index(blocker.kind)))
    if not blockers and not any(check.required and judged(check) is Outcome.PASSED for check in run.checks):
        blockers = (_of_the_gate("missing", "", "no required check passed", "readygate list shows what would run"),)
    kinds = {blocker.kind for blocker in blockers}
    unseen = Decision.INCOMPLETE if kinds else Decision.GO
    decision = Decision.NO_GO if kinds & {"failed", "waiver"} else unseen
    return Verdict(decision, blockers, _counts(run, blockers, today))


def part_passed(verdict: Verdict) -> bool:
    """Say whether something passed and nothing is in the way of a GO but that the run was narrowed."""
    return verdict.counts["passed"] > 0 and {blocker.kind for blocker in verdict.blockers} == {"narrowed"}


def _of_checks(run: Run, today: date) -> Iterator[Blocker]:
    for check in run.checks:
        outcome, waiver = judged(check), check.waiver
        blocks = check.required and outcome in (Outcome.FAILED, Outcome.UNVERIFIED) and not waived(check, today)
        if waiver and outcome in (Outcome.PASSED, Outcome.NOT_APPLICABLE):
            yield _waiver(waiver, check.id, f"waiver not needed: the check is {outcome.replace('_', ' ')}")
        elif waiver and expired(waiver, today):
            yield _with_numbers(
                _waiver(waiver, check.id, f"waiver expired on {waiver.expires}: {_summary(check)}"), check
            )
            blocks = blocks and waiver.outcome != outcome
        if blocks:
            note = f" (its waiver is for {waiver.outcome} only)" if waiver else ""
            cut = not run.sealed and _cut_off(check)
            yield _of_outcome(check, outcome, _summary(check) + note, cut=cut)


def _of_unused_waivers(run: Run, today: date) -> Iterator[Blocker]:
    # A check that was not asked, or could not be seen, cannot have used its waiver; it blocks by itself.
    whole = run.sealed and run.narrowed is None
    seen = {check.id for check in run.checks}
    unseen = {check.id for check in run.checks if check.required and judged(check) is Outcome.UNVERIFIED}
    unseen |= set(run.expected) - seen
    for waiver in run.unused_waivers:
        if expired(waiver, today):
            yield _waiver(waiver, waiver.check, f"waiver expired on {waiver.expires} and matches nothing")
        elif whole and waiver.check not in unseen:
            yield _waiver(waiver, waiver.check, "waiver unused: no check of this run had the outcome that it accepts")


def _of_the_run(run: Run) -> Iterator[Blocker]:
    have = {check.id for check in run.checks}
    for missing in sorted(set(run.expected) - have):
        yield _of_the_gate("missing", missing, "expected, but it left no result", f"readygate run --check {missing}")
    if run.narrowed is not None:
        yield _of_the_gate("narrowed", "", f"the run was narrowed: {run.narrowed}", "run all checks: readygate run")
    if not run.sealed:
        yield _of_the_gate("lane", "", "the run was cut off before its end", _AGAIN)
    for lane in run.lanes:
        mend = "mend what it says, then: readygate run"
        if not lane.sealed:
            again = mend if run.sealed else _AGAIN
            yield _of_the_gate("lane", "", f"lane {lane.name}: did not reach its end", again)
        for problem in lane.problems:
            yield _of_the_gate("lane", "", f"lane {lane.name}: {problem}", mend)


def _summary(check: CheckResult) -> str:
    if check.outcome is not Outcome.PASSED:
        # Behind a check's own sentence stands the assertion as pytest unfolded it: for the evidence, and the same once more.
        return check.reason.partition("\nassert ")[0] or check.title
    if measurement := broken(check):
        return f"{measurement.name} breaks its limit: {check.reason or check.title}"
    return f"only {check.observations} of at least {max(check.minimum, 1)} observations"


def _cut_off(check: CheckResult) -> bool:
    return check.reason in (CUT_OFF, NOT_REACHED) or check.reason.endswith(CUT_SHORT)


def _of_outcome(check: CheckResult, outcome: Outcome, summary: str, *, cut: bool) -> Blocker:
    if outcome is Outcome.FAILED:
        return _with_numbers(Blocker(check.id, "failed", summary, check.fix, owner=SYSTEM_OWNER), check)
    # What the system's owner would mend is of no use before anybody knows whether it is broken.
    first = "run again" if cut else "mend what kept it from finding out, then"
    find_out = f"{first}: readygate run --check {check.id}"
    return Blocker(check.id, "unverified", summary, find_out, owner=GATE_OWNER)


def _of_the_gate(kind: Kind, check: str, summary: str, fix: str) -> Blocker:
    return Blocker(check, kind, summary, fix, owner=GATE_OWNER)


def _waiver(waiver: Waiver, check: str, summary: str) -> Blocker:
    fix = "remove it from waivers.toml, or mend the system and then remove it"
    return Blocker(check, "waiver", summary, fix, owner=waiver.owner)


def _with_numbers(blocker: Blocker, check: CheckResult) -> Blocker:
    worst = broken(check)
    return replace(blocker, measured=worst.value, limit=worst.limit, unit=worst.unit) if worst else blocker


def _counts(run: Run, blockers: tuple[Blocker, ...], today: date) -> dict[str, int]:
    """Count every check once: passed + failed + unverified + not_applicable + waived + missing = total."""
    states = Counter("waived" if waived(check, today) else judged(check).value for check in run.checks)
    states["missing"] = len(set(run.expected) - {check.id for check in run.checks})
    advisory = sum(
        not check.required and judged(check) in (Outcome.FAILED, Outcome.UNVERIFIED) and not waived(check, today)
        for check in run.checks
    )
    names = ("passed", "failed", "unverified", "not_applicable", "waived", "missing")
    return {name: states[name] for name in names} | {
        "total": states.total(),
        "advisory": advisory,
        "blockers": len(blockers),
    }
