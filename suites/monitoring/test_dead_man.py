from fixtures import faults
from fixtures.alarms.chain import Chain
from fixtures.alarms.watchdog import Watchdog
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "monitoring.dead-man",
    title="The watchdog is heard all the time, and its silence tells when Prometheus or Alertmanager is gone",
    why="Alerting that is dead looks exactly like a system that is well.",
    fix="Let one alert fire always, have it sent on every minute, and let its receiver ring when nothing came.",
    needs=("alerts", "alerts.receivers", "alerts.watchdog", "metrics", "faults"),
    minimum=4,
    broken_by=(
        Sabotage(
            id="metrics-stopped",
            title="A Prometheus that does not run",
            says="was not heard",
            fault=({"kind": "stopped", "role": "metrics"},),
        ),
    ),
)
def test_dead_man(stack: ComposeStack, alarms: Chain, limits: dict[str, Limit], evidence: Evidence) -> None:
    alarms.demand_reachable()
    watchdog = Watchdog(alarms)
    gaps = watchdog.gaps()
    evidence.measure("between two beats of the watchdog", gaps, "s", limits["monitoring.heartbeat_s"])
    evidence.observed(len(gaps), "beats")
    noticed = {}
    for role in ("metrics", "alerts"):
        with faults.downed(stack, stack.containers(role)):
            noticed[role] = watchdog.missed()
        watchdog.back()
        evidence.observed(1, f"{role} stopped and missed")
    evidence.value("silence noticed after, s", {role: round(seconds, 2) for role, seconds in noticed.items()})
    evidence.measure(
        "stopped until its silence was heard", list(noticed.values()), "s", limits["monitoring.dead_man_s"]
    )
