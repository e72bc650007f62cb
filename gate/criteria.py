"""The seven completion criteria of a handoff, each read off the areas that establish it."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model import Decision, Outcome, Run, Verdict
from gate.verdict import judged


@dataclass(frozen=True, slots=True)
class Criterion:
    """One completion criterion; `decision` is None where this run holds no check that applies to it."""

    id: str
    title: str
    areas: tuple[str, ...]
    decision: Decision | None
    passed: int
    waived: int
    total: int


TITLES = {
    "deployment": ("Deployment and rollback", ("deployment", "rollback")),
    "monitoring": ("Monitoring, alerting, dashboards and logs", ("monitoring",)),
    "security": ("Security, compliance and access", ("security", "access")),
    "configuration": ("Configuration", ("configuration",)),
    "recovery": ("Backup and recovery", ("recovery",)),
    "performance": ("Performance", ("load",)),
    "documentation": ("Documentation", ("documentation",)),
}


def criteria(run: Run, verdict: Verdict) -> tuple[Criterion, ...]:
    """Return all seven criteria in the order of the handoff, each with the decision its own blockers force."""
    return tuple(_criterion(id_, title, areas, run, verdict) for id_, (title, areas) in TITLES.items())


def _criterion(id_: str, title: str, areas: tuple[str, ...], run: Run, verdict: Verdict) -> Criterion:
    checks = [check for check in run.checks if check.area in areas]
    applicable = [check for check in checks if judged(check) is not Outcome.NOT_APPLICABLE]
    kinds = {blocker.kind for blocker in verdict.blockers if blocker.check.split(".", 1)[0] in areas}
    decision: Decision | None
    if kinds & {"failed", "waiver"}:
        decision = Decision.NO_GO
    elif kinds:
        decision = Decision.INCOMPLETE
    else:
        decision = Decision.GO if any(check.required for check in applicable) else None
    blocking = {blocker.check for blocker in verdict.blockers}
    passed = sum(judged(check) is Outcome.PASSED for check in applicable)
    waived = sum(check.waiver is not None and check.id not in blocking for check in applicable)
    return Criterion(id_, title, areas, decision, passed, waived, len(applicable))
