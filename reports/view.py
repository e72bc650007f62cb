"""What every document shows of a run, in the order it shows it. Reads the verdict and never makes one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gate.areas import AREAS
from gate.criteria import Criterion
from gate.model import Blocker, CheckResult, Decision, Measurement, Outcome, Run, Verdict, Waiver
from gate.text import flat
from gate.verdict import judged
from reports.number import TIGHT, headroom, headroom_text, pair, quantity

SIGNS = {Decision.GO: "✓", Decision.NO_GO: "✕", Decision.INCOMPLETE: "?"}
TONES = {Decision.GO: "go", Decision.NO_GO: "no", Decision.INCOMPLETE: "warn"}
LEFT_OUT = "not looked at in this run"  # nobody asked for it; what was asked for and not found out is unverified
AGAINST = ("failed", "waiver")  # the kinds of blocker that say NO-GO; the others say that something was not seen


class State(StrEnum):
    """What a reader is told about a check; the order is the order of the list."""

    FAILED = "failed"
    MISSING = "missing"
    UNVERIFIED = "unverified"
    WAIVED = "waived"
    PASSED = "passed"
    NOT_APPLICABLE = "not applicable"

    @property
    def sign(self) -> str:
        """The sign that stands beside the word, never alone."""
        return dict(zip(State, "✕??w✓–", strict=True))[self]

    @property
    def slug(self) -> str:
        """The state as a name for style sheets and counts."""
        return self.value.replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Row:
    """A check in the list, with its place and what it blocks."""

    check: CheckResult
    state: State
    anchor: str
    blockers: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A measurement that has a limit, written so that the two never look equal when they are not."""

    check: str
    anchor: str
    measurement: Measurement
    measured: str
    limit: str
    left: str
    word: str


def rows(run: Run, verdict: Verdict) -> tuple[Row, ...]:
    """Return every check, those without a result too, what needs attention first and then by area; as many as
    counts["total"]."""
    have = {check.id for check in run.checks}
    missing = [_absent(id_) for id_ in sorted(set(run.expected) - have)]
    blocking: dict[str, tuple[Blocker, ...]] = {}
    for blocker in verdict.blockers:
        blocking[blocker.check] = (*blocking.get(blocker.check, ()), blocker)
    found: list[Row] = []
    seen: Counter[str] = Counter()
    for check in (*run.checks, *missing):
        state = State.MISSING if check.id not in have else _state(check, blocking.get(check.id, ()))
        anchor = re.sub(r"[^A-Za-z0-9.-]", "_", check.id) or "_"
        seen[anchor] += 1
        found.append(
            Row(check, state, anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor]}", blocking.get(check.id, ()))
        )
    order = list(State)

    def attention(row: Row) -> tuple[bool, int, bool, int, str]:
        area = row.check.area
        place = AREAS.index(area) if area in AREAS else len(AREAS)
        return not row.blockers, order.index(row.state), not row.check.required, place, area

    return tuple(sorted(found, key=attention))


def limits(listed: tuple[Row, ...]) -> tuple[LimitRow, ...]:
    """Return the measurements that have a limit: broken ones first, then those with the least headroom."""
    found = [
        limit_row(row.check.id, row.anchor, each)
        for row in listed
        for each in row.check.measurements
        if each.limit is not None
    ]

    def urgency(row: LimitRow) -> tuple[bool, float]:
        share = headroom(row.measurement)
        return row.measurement.kept, 1.0 if share is None else share

    return tuple(sorted(found, key=urgency))


def against(verdict: Verdict) -> tuple[Blocker, ...]:
    """Return the reasons of a NO-GO; of an INCOMPLETE, all reasons."""
    if verdict.decision is Decision.INCOMPLETE:
        return verdict.blockers
    return tuple(blocker for blocker in verdict.blockers if blocker.kind in AGAINST)


def unseen(verdict: Verdict) -> tuple[Blocker, ...]:
    """Return what could not be seen, where `against` does not hold it already."""
    if verdict.decision is Decision.INCOMPLETE:
        return ()
    return tuple(blocker for blocker in verdict.blockers if blocker.kind not in AGAINST)


def headline(verdict: Verdict) -> str:
    """Return the decision's reason in one sentence, its numbers those of the blockers."""
    kinds = Counter(blocker.kind for blocker in verdict.blockers)
    if verdict.decision is Decision.GO:
        waived = verdict.counts.get("waived", 0)
        return "Every required check passed" + (f" but {waived} waived as an accepted risk." if waived else ".")
    not_seen = [
        f"{_many(kinds['unverified'] + kinds['missing'], 'required check')} could not be verified"
        if kinds["unverified"] + kinds["missing"]
        else "",
        *(brief(blocker.summary) for blocker in verdict.blockers if blocker.kind == "narrowed"),
        "the run did not go as planned" if kinds["lane"] else "",
    ]
    seen = [
        f"{_many(kinds['failed'], 'required check')} failed" if kinds["failed"] else "",
        f"{_many(kinds['waiver'], 'waiver')} expired or unused" if kinds["waiver"] else "",
    ]
    first = (
        "Blocked: " + " and ".join(filter(None, seen))
        if verdict.decision is Decision.NO_GO
        else "Not enough is known: "
    )
    rest = ", ".join(filter(None, not_seen))
    if verdict.decision is Decision.NO_GO:
        return f"{first}." + (f" Besides, {rest}." if rest else "")
    return f"{first}{rest}."


def criterion(run: Run, each: Criterion) -> str:
    """Return the state of a completion criterion: its decision, or why it has none."""
    if each.decision:
        return f"{SIGNS[each.decision]} {each.decision.value}"
    asked = run.narrowed is None or any(check.area in each.areas for check in run.checks)
    return "– not covered" if asked else f"– {LEFT_OUT}"


def passed_of(each: Criterion) -> str:
    """Return how many of a criterion's checks passed; of none, no number."""
    return f"{each.passed} of {each.total}" if each.total else "–"


def left_out(run: Run) -> str:
    """Return how many checks of each area the run was narrowed to leave out; empty where its results do not say."""
    counted = Counter(check.split(".", 1)[0] for check in run.left_out)
    return ", ".join(
        f"{area} {counted[area]}" for area in (*AREAS, *sorted(set(counted) - set(AREAS))) if counted[area]
    )


def totals(verdict: Verdict, listed: tuple[Row, ...]) -> str:
    """Return the counts of checks by state, which add up to the total, and why a failed one may not block as such."""
    parts = []
    for state in sorted(State, key=lambda each: each is not State.PASSED):
        if count := verdict.counts.get(state.slug, 0):
            mine = [row for row in listed if row.state is state and not row.check.required and not row.blockers]
            expired = [
                row for row in listed if row.state is state and any(each.kind == "waiver" for each in row.blockers)
            ]
            notes = [
                f"{len(mine)} advisory" if mine else "",
                f"{len(expired)} with an expired waiver" if expired else "",
            ]
            note = ", ".join(filter(None, notes)) if state in (State.FAILED, State.UNVERIFIED) else ""
            parts.append(f"{count:,} {state.value}" + (f" ({note})" if note else ""))
    return f"{_many(verdict.counts.get('total', 0), 'check')}: {', '.join(parts) or 'none'}."


def kind_sign(blocker: Blocker) -> str:
    """Return the sign of a blocker's kind, by which it is told from the others without colour."""
    return {"failed": "✕", "waiver": "w"}.get(blocker.kind, "?")


def acting(verdict: Verdict) -> tuple[tuple[str, int], ...]:
    """Return who has to act, and on how many reasons."""
    return tuple(Counter(blocker.owner for blocker in verdict.blockers).most_common())


def what(blocker: Blocker) -> str:
    """Return what a blocker is about, with measured value and limit where it has them."""
    if blocker.measured is None or blocker.limit is None:
        return blocker.summary
    measured, limit = pair(blocker.measured, blocker.limit)
    fact = f"{quantity(measured, blocker.unit)}, limit {quantity(limit, blocker.unit)}"
    return blocker.summary if fact in blocker.summary else f"{blocker.summary} ({fact})"


def brief(text: str, length: int = 200) -> str:
    """Return as much of a text as the first screen has room for; the whole stands at its check."""
    line = flat(text)
    return line if len(line) <= length else f"{line[:length].rsplit(' ', 1)[0]} …"


def waivers(run: Run) -> Iterator[tuple[Waiver, int | None]]:
    """Yield every waiver with the days it had left when the run began (negative: expired; None: no such day)."""
    held = [check.waiver for check in run.checks if check.waiver] + list(run.unused_waivers)
    yield from sorted(
        ((waiver, _days(waiver, run)) for waiver in held), key=lambda pair: -1 if pair[1] is None else pair[1]
    )


def _state(check: CheckResult, blockers: tuple[Blocker, ...]) -> State:
    outcome = judged(check)
    if check.waiver and check.waiver.outcome == outcome and not blockers:
        return State.WAIVED
    return State(outcome.value.replace("_", " "))


def _absent(id_: str) -> CheckResult:
    return CheckResult(id_, "Expected, but it left no result", "", "", True, Outcome.UNVERIFIED, "it left no result")  # noqa: FBT003


def limit_row(check: str, anchor: str, measurement: Measurement) -> LimitRow:
    """Return a measurement that has a limit as it is shown."""
    limit = 0.0 if measurement.limit is None else measurement.limit
    measured, bound = pair(measurement.value, limit)
    share = headroom(measurement)
    tight = share is not None and share < TIGHT
    word = "broken" if not measurement.kept else "kept, tight" if tight else "kept"
    sign = "≤" if measurement.direction == "max" else "≥"
    shown = quantity(measured, measurement.unit), f"{sign} {quantity(bound, measurement.unit)}"
    return LimitRow(check, anchor, measurement, *shown, headroom_text(measurement), word)


def _days(waiver: Waiver, run: Run) -> int | None:
    try:
        return (date.fromisoformat(waiver.expires) - date.fromisoformat(run.started[:10])).days
    except ValueError:
        return None


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
