from fixtures.alarms.chain import Chain
from fixtures.alarms.delivery import Outage
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "monitoring.delivery",
    title="An alert whose receiver was away arrives when it is back, and once, whatever is started anew meanwhile",
    why="The receiver restarts on the night on which it is needed; an alert that is lost then is never sent again.",
    fix="Keep Alertmanager's state on a volume, let it end by SIGTERM, and give it a receiver that it may try again.",
    needs=("alerts", "alerts.receivers", "metrics", "worker", "faults"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="alerts-role-killed-on-stop",
            title="An Alertmanager that is killed whenever it is to stop, before it has written what it sent",
            says="times",
            compose={"services": {"{alerts}": {"stop_signal": "SIGKILL"}}},
        ),
    ),
)
def test_delivery(stack: ComposeStack, alarms: Chain, limits: dict[str, Limit], evidence: Evidence) -> None:
    outage = Outage(stack, alarms)
    with outage.begun(limits["monitoring.receiver_down_s"].value) as arrived_s:
        evidence.observed(1, "alert whose receiver was away")
        for role in ("alerts", "metrics"):
            outage.restarted(role)
            evidence.observed(1, f"{role} started anew while it fired")
        outage.demand_once()
    evidence.value("its end was told after, s", round(outage.ended(), 3))
    evidence.measure("receiver back until it had the alert", arrived_s, "s", limits["monitoring.delivery_s"])
