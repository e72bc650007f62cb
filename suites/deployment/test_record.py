from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from fixtures import release
from fixtures.clients.prometheus import Prometheus
from fixtures.release import Released
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import check
from gate.evidence import Evidence
from gate.model import Json, Limit, Sabotage
from gate.shell import CommandFailed
from gate.target import Target

KEYS = ("at", "who", "action", "release", "result")


@check(
    "deployment.record",
    title="Every deployment and rollback leaves who, what, when and result in the record, and a mark in the metrics",
    why="After an incident the first question is what was changed; a graph without the deployment in it misleads.",
    fix="Append a line to the record whenever a change ends, also a failed one, and write the marker series.",
    needs=(
        "metrics",
        "metrics.deployment_marker",
        "commands.audit_log",
        "commands.deploy",
        "commands.rollback",
        "releases.candidate",
        "releases.previous",
    ),
    minimum=4,
    broken_by=(
        Sabotage(
            id="record-stays-empty",
            title="A record in which nothing stands",
            says="the record",
            command=({"name": "audit_log", "argv": ["true"]},),
        ),
        Sabotage(
            id="deploy-stops-metrics",
            title="A deployment after which nothing collects metrics any more",
            says="no mark",
            command=(
                {
                    "name": "deploy",
                    "argv": ["sh", "-c", "{command:deploy}; s=$?; docker compose stop {services:metrics}; exit $s"],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_record(stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    metrics = Prometheus(stack)
    changes: dict[str, Callable[[], Released]] = {
        target.releases["candidate"]: lambda: release.deploy(stack, target.releases["candidate"]),
        target.releases["previous"]: lambda: release.roll_back(stack),
    }
    waits = []
    for wanted, change in changes.items():
        recorded, marked, began = _recorded(stack, evidence), _marks(metrics, target), datetime.now(UTC)
        change().check(f"the change to {wanted}")
        now = release.audit_log(stack)
        assert now[: len(recorded)] == recorded, "the record was rewritten: what stood in it before is gone or changed"
        new = now[len(recorded) :]
        evidence.value(f"record of the change to {wanted}", list(new))
        said = _lacks(new, wanted, began)
        assert not said, f"the record of the change to {wanted}: {'; '.join(said)}"
        evidence.observed(len(new), "lines of the record")
        waits.append(_until_marked(metrics, target, marked, wanted, limits["deployment.marker_s"].value))
        evidence.observed(1, "new series of the marker")
    evidence.measure("change ended until its mark is in the metrics", waits, "s", limits["deployment.marker_s"])


def _recorded(stack: ComposeStack, evidence: Evidence) -> tuple[Mapping[str, Json], ...]:
    """The record before a change. Where nothing was changed yet there may be none to read; afterwards there must be."""
    try:
        return release.audit_log(stack)
    except CommandFailed as error:
        evidence.value("no record before the change", str(error))
        return ()


def _lacks(records: tuple[Mapping[str, Json], ...], wanted: str, began: datetime) -> list[str]:
    """What is missing in the new lines of the record, which are to be one about the release `wanted`."""
    about = [record for record in records if record.get("release") == wanted]
    if not about:
        return [f"no line says release {wanted}"]
    missing = [f"no {key!r}" for key in KEYS if not about[-1].get(key)]
    try:
        at = datetime.fromisoformat(str(about[-1].get("at")))
    except ValueError:
        return [*missing, f"`at` is no time: {about[-1].get('at')!r}"]
    # Its clock may tell whole seconds only.
    if at < began - timedelta(seconds=1) or at > datetime.now(UTC) + timedelta(seconds=1):
        missing.append(f"`at` is {at}, the change began at {began}")
    return missing


Marks = frozenset[tuple[frozenset[tuple[str, str]], float]]


def _marks(metrics: Prometheus, target: Target) -> Marks:
    """Labels and value of every series that [metrics] deployment_marker finds now."""
    assert target.metrics is not None
    assert target.metrics.deployment_marker is not None
    found = metrics.query(target.metrics.deployment_marker)
    return frozenset((frozenset(sample.labels.items()), sample.value) for sample in found)


def _until_marked(metrics: Prometheus, target: Target, before: Marks, wanted: str, within: float) -> float:
    """Wait for a series that names the release and was not there `before`; return the seconds."""

    def marked() -> bool:
        return any(wanted in dict(labels).values() for labels, _ in _marks(metrics, target) - before)

    try:
        return until(marked, within, f"a new series that names {wanted}", 0.5)
    except NotReached as error:
        raise AssertionError(f"the change to {wanted} left no mark in the metrics: {error}") from error
