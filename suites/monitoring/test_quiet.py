from fixtures.alarms.chain import Chain
from fixtures.stack import ComposeStack
from fixtures.traffic import traffic
from fixtures.wait import NotReached, throughout, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "monitoring.quiet",
    title="Nobody is told of anything while the system is well and works normally",
    why="Whoever is woken for nothing twice does not get up the third time.",
    fix="Raise the threshold or widen the window of the rule that fired, until normal load is far below it.",
    needs=("alerts", "alerts.receivers", "metrics", "job", "faults"),
    minimum=10,
    broken_by=(
        Sabotage(
            id="exporters-stopped-all-along",
            title="Exporters that do not run, so that an alert always fires",
            says="fires",
            fault=({"kind": "stopped", "role": "exporters"},),
        ),
    ),
)
def test_quiet(stack: ComposeStack, alarms: Chain, limits: dict[str, Limit], evidence: Evidence) -> None:
    seconds = limits["monitoring.quiet_s"].value
    evidence.value("rules loaded", sorted(rule.alert for rule in alarms.prometheus.rules()))
    alarms.settled()
    with traffic(
        stack,
        per_second=limits["rollback.traffic_per_s"].value,
        jobs_at_once=int(limits["load.concurrent_jobs"].value),
    ) as load:
        began = evidence.event("load", "normal load begins")
        looked = alarms.looking()
        try:
            evidence.observed(
                throughout(looked.silent, seconds, "nobody is told of anything", every=0.5), "looks at what fires"
            )
        except NotReached as error:
            raise AssertionError(f"under normal load {looked.said}") from error
        # What waits to fire by a `for:` longer than the window would be told of after it.
        waiting = looked.pending()
        evidence.value("alerts that waited to fire at the end", sorted(alert for alert, _ in waiting))
        try:
            until(
                lambda: looked.over(waiting), limits["monitoring.resolved_s"].value, "nothing waits to fire", every=0.5
            )
        except NotReached as error:
            if error.unanswered:
                raise Unverified(f"what waits to fire is not known: {error}") from error
            raise AssertionError(f"under normal load {looked.said}") from error
        assert looked.silent(), f"under normal load {looked.said}"
        evidence.event("load", "normal load ends")
    evidence.value("load", {"requests": load.sent, "failed": len(load.failed), "jobs": len(load.jobs), "began": began})
    if load.failed:
        raise Unverified(f"{len(load.failed)} of {load.sent} requests failed: this was no healthy window")
