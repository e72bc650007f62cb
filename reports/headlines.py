"""The numbers that a handoff asks for, each with its limit: measured by this run, or said not to be."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from gate.compliance import Compliance
from gate.model import Decision, Measurement, Run
from reports import view
from reports.number import headroom


@dataclass(frozen=True, slots=True)
class Headline:
    """A promised number; `row` is None where this run has not measured it. `note` says of what it is the number."""

    title: str
    row: view.LimitRow | None
    sign: str = "?"
    word: str = "not measured"
    tone: str = "warn"
    note: str = ""


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


def headlines(run: Run, limits: tuple[view.LimitRow, ...], controls: Compliance) -> tuple[Headline, ...]:
    """Return every number that is asked for, in the order of the handoff; of several measurements, the worst."""
    found = [
        _headline(run, title, checks, [row for row in limits if _is(row, checks, names, before)])
        for title, checks, names, before in ASKED
    ]
    if controls.rows:
        found.insert(3, _of_some_controls(controls) if controls.left_out else _of_controls(controls))
    return tuple(found)


def _asked(run: Run, checks: str) -> bool:
    """Say whether the run had to measure it: always, unless it was narrowed to other checks."""
    return run.narrowed is None or any(fnmatchcase(id_, checks) for id_ in (*run.expected, *(c.id for c in run.checks)))


def _left_out(title: str) -> Headline:
    return Headline(title, None, "–", view.LEFT_OUT, "mute")


def _headline(run: Run, title: str, checks: str, rows: list[view.LimitRow]) -> Headline:
    if not rows:
        return Headline(title, None) if _asked(run, checks) else _left_out(title)
    row = min(rows, key=_left)
    tone = "no" if not row.measurement.kept else "go" if row.word == "kept" else "warn"
    worst = [f"worst of {len(rows)}"] if len(rows) > 1 else []
    part = ["in this part"] if any(fnmatchcase(id_, checks) for id_ in run.left_out) else []
    return Headline(title, row, "✓" if row.measurement.kept else "✕", row.word, tone, " ".join(worst + part))


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
    return Headline(
        CONTROLS, row, view.SIGNS[decision], word, view.TONES[decision], f"of {controls.applicable} that apply"
    )


def _of_some_controls(controls: Compliance) -> Headline:
    """The controls where the run was narrowed: how many of those looked at. A share of all would be of its own making."""
    if controls.looked_at == 0:
        return _left_out(CONTROLS)
    counted = Measurement(CONTROLS, controls.verified, "1", n=controls.looked_at)
    measured, left = f"{controls.verified} of {controls.looked_at}", f"{controls.left_out} not looked at"
    row = view.LimitRow("", "controls", counted, measured, f"all {controls.applicable}", left, "")
    word = "not all looked at" if controls.verified == controls.looked_at else "not all verified"
    word = "broken" if controls.decision is Decision.NO_GO else word
    return Headline(CONTROLS, row, view.SIGNS[controls.decision], word, view.TONES[controls.decision], "looked at")
