"""Control, the checks that verify it, what became of them: a pure function of a run and its verdict.

A control is verified when every check that names it passed. A check that the run left out has verified nothing, and a control
without any check is missing. 100 % is: every applicable control verified, and at least one. Of a control whose every check a
narrowed run left out by choice nothing is said but that; it counts as applicable, so that no part comes to 100 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from gate.model import Control, Decision, Json, Outcome, Run, Standard, Verdict
from gate.verdict import judged

LEFT_OUT = "did not run"


class Standing(StrEnum):
    """What became of a control; the order is that of the list."""

    FAILED = "failed"
    MISSING = "missing"
    UNVERIFIED = "unverified"
    WAIVED = "waived"
    VERIFIED = "verified"
    NOT_LOOKED_AT = "not looked at"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Row:
    """A control, its standing, the sentence that gives its reason, and each check with what became of it."""

    control: Control
    standing: Standing
    reason: str
    checks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Of one standard: the controls that refer to it, those that this run left out among them, and how many of its
    requirements they refer to (of `standard.total`)."""

    standard: Standard
    controls: int
    applicable: int
    verified: int
    left_out: int
    requirements: int


@dataclass(frozen=True, slots=True)
class Compliance:
    """All controls in the order of the catalogue, counted."""

    rows: tuple[Row, ...]
    shares: tuple[Share, ...]

    @property
    def counts(self) -> dict[Standing, int]:
        """How many controls have each standing; together all of them."""
        found = Counter(row.standing for row in self.rows)
        return {standing: found[standing] for standing in Standing}

    @property
    def applicable(self) -> int:
        """Controls that apply to this system."""
        return _applicable(self.rows)

    @property
    def verified(self) -> int:
        """Controls that were verified."""
        return _verified(self.rows)

    @property
    def complete(self) -> bool:
        """Whether this is 100 %: everything that applies is verified."""
        return 0 < self.verified == self.applicable

    @property
    def left_out(self) -> int:
        """Controls that the run was narrowed not to look at. Where there are any, a share of all says nothing of the system."""
        return self.counts[Standing.NOT_LOOKED_AT]

    @property
    def looked_at(self) -> int:
        """Controls that apply and that this run had to find out."""
        return self.applicable - self.left_out - self.counts[Standing.MISSING]

    @property
    def lacking(self) -> tuple[Row, ...]:
        """What stands between this and 100 %, the worst first."""
        order = list(Standing)
        wanting = [row for row in self.rows if row.standing not in (Standing.VERIFIED, Standing.NOT_APPLICABLE)]
        return tuple(sorted(wanting, key=lambda row: order.index(row.standing)))

    @property
    def decision(self) -> Decision:
        """GO at 100 %; NO-GO where a control failed; otherwise not enough is known."""
        if self.complete:
            return Decision.GO
        return Decision.NO_GO if self.counts[Standing.FAILED] else Decision.INCOMPLETE

    def _counts_in_results(self) -> dict[Standing, int]:
        found = Counter(_in_results(row.standing) for row in self.rows)
        return {standing: found[standing] for standing in Standing if standing is _in_results(standing)}

    def document(self) -> dict[str, Json]:
        """The same as results.json holds it."""
        return {
            "total": len(self.rows),
            "applicable": self.applicable,
            "verified": self.verified,
            "complete": self.complete,
            "counts": {standing.value: count for standing, count in self._counts_in_results().items()},
            "controls": [
                {
                    "id": row.control.id,
                    "standing": _in_results(row.standing).value,
                    "left_out": row.standing is Standing.NOT_LOOKED_AT,
                    "reason": row.reason,
                    "checks": dict(row.checks),
                }
                for row in self.rows
            ],
            "standards": [
                {
                    "name": share.standard.name,
                    "controls": share.controls,
                    "applicable": share.applicable,
                    "verified": share.verified,
                    "requirements": share.requirements,
                    "total": share.standard.total,
                }
                for share in self.shares
            ],
        }


def _in_results(standing: Standing) -> Standing:
    """The standing as results.json has it. Its readers know six, and must not take for well what nobody looked at."""
    return Standing.UNVERIFIED if standing is Standing.NOT_LOOKED_AT else standing


def compliance(run: Run, verdict: Verdict) -> Compliance:
    """What the run says of the controls that it holds; none where it holds none."""
    states = _states(run, verdict)
    reasons = {check.id: check.reason for check in run.checks}
    naming: dict[str, set[str]] = {}
    for check in run.checks:
        for name in check.standards:
            naming.setdefault(name, set()).add(check.id)
    found = (_row(control, naming.get(control.id, set()), states, reasons) for control in run.controls)
    # Only of a run that was narrowed is it a choice that a check is not there; of a whole one it is a gap.
    rows = tuple(found) if run.narrowed is None else tuple(_left_out(row, {*run.expected, *states}) for row in found)
    return Compliance(rows, tuple(_share(standard, rows) for standard in run.standards))


def _states(run: Run, verdict: Verdict) -> dict[str, str]:
    """What became of every check of the run, in one word; of an id that is there twice, the worse."""
    blocked = {blocker.check for blocker in verdict.blockers}
    found: dict[str, str] = {}
    for check in run.checks:
        outcome = judged(check)
        waived = check.waiver is not None and check.waiver.outcome == outcome and check.id not in blocked
        state = "waived" if waived else outcome.value.replace("_", " ")
        found[check.id] = min(state, found.get(check.id, state), key=_WORST_FIRST.index)
    return found


_PASSED = Outcome.PASSED.value
_WORST_FIRST = ("failed", "unverified", LEFT_OUT, "waived", _PASSED, "not applicable")
_STANDINGS = {
    "failed": Standing.FAILED,
    "unverified": Standing.UNVERIFIED,
    LEFT_OUT: Standing.UNVERIFIED,
    "waived": Standing.WAIVED,
    _PASSED: Standing.VERIFIED,
    "not applicable": Standing.NOT_APPLICABLE,
}


def _row(control: Control, naming: set[str], states: dict[str, str], reasons: dict[str, str]) -> Row:
    ids = (*control.checks, *sorted(naming - set(control.checks)))
    checks = tuple((id_, states.get(id_, LEFT_OUT)) for id_ in ids)
    if not checks:
        return Row(control, Standing.MISSING, "no check verifies it", ())
    worst = min((state for _, state in checks), key=_WORST_FIRST.index)
    because = [
        f"{id_} did not run" if state == LEFT_OUT else f"{id_}: {reasons.get(id_) or state}"
        for id_, state in checks
        if state == worst and state != _PASSED
    ]
    return Row(control, _STANDINGS[worst], "; ".join(because), checks)


def _left_out(row: Row, asked: set[str]) -> Row:
    """The row as it is where the run was asked for one of its checks; otherwise nobody has looked."""
    nobody = row.checks and asked.isdisjoint(id_ for id_, _ in row.checks)
    return replace(row, standing=Standing.NOT_LOOKED_AT) if nobody else row


def _share(standard: Standard, rows: Iterable[Row]) -> Share:
    mine = [row for row in rows if any(each.standard == standard.name for each in row.control.references)]
    numbers = {each.number for row in mine for each in row.control.references if each.standard == standard.name}
    left_out = sum(row.standing is Standing.NOT_LOOKED_AT for row in mine)
    return Share(standard, len(mine), _applicable(mine), _verified(mine), left_out, len(numbers))


def _applicable(rows: Iterable[Row]) -> int:
    return sum(row.standing is not Standing.NOT_APPLICABLE for row in rows)


def _verified(rows: Iterable[Row]) -> int:
    return sum(row.standing is Standing.VERIFIED for row in rows)
