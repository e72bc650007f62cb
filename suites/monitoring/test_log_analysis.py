import json
import time

import pytest

from fixtures.clients.docker import Container
from fixtures.clients.prometheus import Prometheus
from fixtures.printing import Mark, printed
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

QUERY_TIMEOUT_S = 60
CALM_S = 60


@check(
    "monitoring.log-analysis",
    title="A burst of errors is found by the documented query over the stored lines, and raises its alert",
    why="Errors that nobody counts are read the day after, when customers have counted them.",
    fix="Count stored lines by service and level, alert on their rise, and keep the query that names the service.",
    needs=("commands.error_bursts", "logs.burst_alert", "metrics", "worker"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="error-bursts-not-looked-for",
            title="A query of error bursts that answers without looking",
            command=({"name": "error_bursts", "argv": ["true"]},),
            says="does not find",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_log_analysis(stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    assert target.logs is not None
    alert, count = str(target.logs.burst_alert), int(limits["monitoring.burst_lines"].value)
    prometheus, victim = Prometheus(stack), stack.containers("worker")[0]
    _await_calm(prometheus, alert)
    before = _errors(stack, victim)
    began = time.monotonic()
    printed(stack, victim, [Mark().line("error")] * count)
    evidence.event("fault", f"{count} errors printed in {victim.service}")
    try:
        until(lambda: _firing(prometheus, alert), limits["monitoring.burst_s"].value * 2, f"{alert} fires", every=0.1)
    except NotReached as error:
        if error.unanswered:
            raise Unverified(f"whether {alert} fires is not known: {error}") from error
        raise AssertionError(f"{count} errors of {victim.service} at once raised no alert {alert}: {error}") from None
    evidence.measure(
        "errors printed until the alert fires", time.monotonic() - began, "s", limits["monitoring.burst_s"]
    )
    evidence.observed(1, "alert seen firing")

    found = _errors(stack, victim) - before
    evidence.value("errors that the query found", {"before": before, "more after the burst": found, "printed": count})
    evidence.observed(1, "query asked before and after")
    assert found >= count, f"the query of error bursts does not find the {count} errors of {victim.service}: {found}"
    _await_calm(prometheus, alert)
    evidence.event("resolved", f"{alert} no longer fires")


def _firing(prometheus: Prometheus, alert: str) -> bool:
    return bool(prometheus.query(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))


def _await_calm(prometheus: Prometheus, alert: str) -> None:
    """Whatever raised it before must be over: an alert that fires already cannot be seen to begin."""
    try:
        until(lambda: not _firing(prometheus, alert), CALM_S, f"{alert} does not fire", every=0.5)
    except NotReached as error:
        raise Unverified(f"{alert} fires without a burst of ours: {error}") from error


def _errors(stack: ComposeStack, victim: Container) -> int:
    """How many errors of the container's service the documented query finds in bursts."""
    done = stack.command("error_bursts", timeout_s=QUERY_TIMEOUT_S).check("asking for error bursts")
    try:
        rows = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        return sum(int(row["errors"]) for row in rows if row["service"] == victim.service)
    except (ValueError, KeyError, TypeError) as error:
        raise AssertionError(
            f"the query of error bursts answers no JSON lines with service and errors: {done.stdout[:200]!r}"
        ) from error
