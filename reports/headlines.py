"""The numbers that a handoff asks for, each with its limit: measured by this run, or said not to be."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from gate.compliance import Compliance
from gate.model import Decision, Measurement
from reports import view
from reports.number import headroom


@dataclass(frozen=True, slots=True)
class Headline:
    """A promised number; `row` is None where this run has not measured it. `of`: how many measurements it is the worst of."""

    title: str
    row: view.LimitRow | None
    sign: str = "?"
    word: str = "not measured"
    tone: str = "warn"
    of: int = 0


# Title, checks that measure it, names of the limits that it may have, and how the measurement was called before results 1.2
# named the limits.
ASKED = (
    ("Deployment from nothing", "deployment.cold-start", ("deployment.cold_start_s",), "*"),
    ("Rollback", "rollback.time", ("rollback.time_s",), "*"),
    ("Alert after a fault", "monitoring.alert-*", ("monitoring.alert_s",), "*receiver had it"),
    ("Recovery time (RTO)", "recovery.*", ("recovery.rto*", "recovery.restore*_s", "recovery.whole_loss*_s"), ""),
    ("Recovery point (RPO)", "recovery.*", ("recovery.rpo*", "recovery.data_loss*"), ""),
    ("Average job of five", "load.five-jobs", ("load.processing*",), "*"),
    ("Average job of ten", "load.ten-jobs", ("load.processing*", "load.ten*"), "*"),
)
CONTROLS = "Security controls"


def headlines(limits: tuple[view.LimitRow, ...], controls: Compliance) -> tuple[Headline, ...]:
    """Return every number that is asked for, in the order of the handoff; of several measurements, the worst."""
    found = [
        _headline(title, [row for row in limits if _is(row, checks, names, before)])
        for title, checks, names, before in ASKED
    ]
    if controls.rows:
        found.insert(3, _of_controls(controls))
    return tuple(found)


def _headline(title: str, rows: list[view.LimitRow]) -> Headline:
    if not rows:
        return Headline(title, None)
    row = min(rows, key=_left)
    tone = "no" if not row.measurement.kept else "go" if row.word == "kept" else "warn"
    return Headline(title, row, "✓" if row.measurement.kept else "✕", row.word, tone, len(rows))


def _left(row: view.LimitRow) -> float:
    share = headroom(row.measurement)
    return (1.0 if row.measurement.kept else -1.0) if share is None else share


def _is(row: view.LimitRow, checks: str, names: tuple[str, ...], before: str) -> bool:
    return fits(row.check, row.measurement.name, row.measurement.limit_name, checks, names, before)


def fits(check: str, name: str, limit_name: str, checks: str, names: tuple[str, ...], before: str) -> bool:
    """Say whether a measurement of this check, name and limit is the one that is asked for."""
    if not fnmatchcase(check, checks):
        return False
    if limit_name:
        return any(fnmatchcase(limit_name, each) for each in names)
    return fnmatchcase(name, before)


def _of_controls(controls: Compliance) -> Headline:
    """The controls as a number; one that nobody has seen is no broken one."""
    share = 100 * controls.verified / controls.applicable if controls.applicable else 0.0
    row = view.limit_row("", "controls", Measurement(CONTROLS, share, "%", 100.0, "min", n=controls.applicable))
    decision = controls.decision
    word = {Decision.GO: "kept", Decision.NO_GO: "broken", Decision.INCOMPLETE: "not all verified"}[decision]
    return Headline(CONTROLS, row, view.SIGNS[decision], word, view.TONES[decision], len(controls.rows))
