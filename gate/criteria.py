"""The seven completion criteria of a handoff, each read off the areas that establish it.

A criterion is GO only when everything that the handoff asks of it was looked at: an area that was only begun, or of which a
run took a part, is INCOMPLETE, however well the few checks went that are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gate.compliance import Standing, compliance
from gate.model import Decision, Outcome, Run, Verdict
from gate.verdict import judged


@dataclass(frozen=True, slots=True)
class Criterion:
    """One completion criterion; `decision` is None where this run holds no check that applies to it, `wanting` names what
    the handoff asks for and no check of this run looked at."""

    id: str
    title: str
    areas: tuple[str, ...]
    decision: Decision | None
    passed: int
    waived: int
    total: int
    wanting: tuple[str, ...] = ()


TITLES = {
    "deployment": ("Deployment and rollback", ("deployment", "rollback")),
    "monitoring": ("Monitoring, alerting, dashboards and logs", ("monitoring",)),
    "security": ("Security, compliance and access", ("security", "access")),
    "configuration": ("Configuration", ("configuration",)),
    "recovery": ("Backup and recovery", ("recovery",)),
    "performance": ("Performance", ("load",)),
    "documentation": ("Documentation", ("documentation",)),
}
_UNSEEN = (Standing.MISSING, Standing.UNVERIFIED, Standing.NOT_LOOKED_AT)
# What the handoff asks for in so many words, and the checks (patterns) of which one at least has to have looked at it.
ASKED = {
    "deployment": {
        "deployment from nothing": "deployment.cold-start",
        "dry run": "deployment.dry-run",
        "a switch without an outage": "deployment.live-switch",
        "a record of deployments": "deployment.record",
        "rollback within its limit": "rollback.time",
        "recovery from a bad release": "rollback.automatic",
    },
    "monitoring": {
        "alerts seen firing": "monitoring.alert-*",
        "dashboards": "monitoring.dashboards",
        "collected logs": "monitoring.logs",
        "log analysis": "monitoring.log-analysis",
    },
    "security": {"security": "security.*", "access": "access.*"},
    "configuration": {
        "validation": "configuration.validation",
        "environments": "configuration.environments",
        "the change procedure": "configuration.change",
    },
    "recovery": {
        "backups": "recovery.backup*",
        "a restore": "recovery.restore*",
        "the loss of everything": "recovery.whole-loss*",
    },
    "performance": {
        "five jobs at a time": "load.five-jobs",
        "ten jobs at a time": "load.ten-jobs",
        "twice the normal load": "load.stress*",
    },
    "documentation": {"complete documents": "documentation.completeness", "the handoff": "documentation.handoff"},
}


def criteria(run: Run, verdict: Verdict) -> tuple[Criterion, ...]:
    """Return all seven criteria in the order of the handoff, each with the decision its own blockers force."""
    return tuple(_criterion(id_, title, areas, run, verdict) for id_, (title, areas) in TITLES.items())


def _criterion(id_: str, title: str, areas: tuple[str, ...], run: Run, verdict: Verdict) -> Criterion:
    checks = [check for check in run.checks if check.area in areas]
    applicable = [check for check in checks if judged(check) is not Outcome.NOT_APPLICABLE]
    kinds = {blocker.kind for blocker in verdict.blockers if blocker.check.split(".", 1)[0] in areas}
    wanting = (*_wanting(id_, [check.id for check in checks], run, verdict), *_left_out(areas, len(checks), run))
    decision: Decision | None
    if kinds & {"failed", "waiver"}:
        decision = Decision.NO_GO
    elif kinds:
        decision = Decision.INCOMPLETE
    elif any(check.required for check in applicable):
        decision = Decision.INCOMPLETE if wanting else Decision.GO
    else:
        decision = None
    blocking = {blocker.check for blocker in verdict.blockers}
    passed = sum(judged(check) is Outcome.PASSED for check in applicable)
    waived = sum(check.waiver is not None and check.id not in blocking for check in applicable)
    return Criterion(id_, title, areas, decision, passed, waived, len(applicable), wanting)


def _wanting(id_: str, ids: list[str], run: Run, verdict: Verdict) -> Iterator[str]:
    """What is asked of the criterion and nothing in this run looked at."""
    for words, pattern in ASKED[id_].items():
        if not any(fnmatchcase(check, pattern) for check in ids):
            yield words
    if id_ == "security" and run.controls:
        counts = compliance(run, verdict).counts
        if unseen := sum(counts[standing] for standing in _UNSEEN):
            yield f"{unseen} of {len(run.controls)} security controls"


def _left_out(areas: tuple[str, ...], had: int, run: Run) -> Iterator[str]:
    """That the run was narrowed to a part of the criterion's checks. What is asked for by name is not all that they look at."""
    left_out = sum(check.split(".", 1)[0] in areas for check in run.left_out)
    if had and left_out:
        yield f"{left_out} of its {had + left_out} checks"
