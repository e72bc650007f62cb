import pytest

from fixtures.course import keep_course
from fixtures.switches import Switches
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "deployment.live-switch",
    title="A new release takes over under traffic: no request failed, no job lost or done twice, both releases seen",
    why="Users must not notice a deployment; whoever has to deploy at night does so too seldom.",
    fix="Start the new release beside the old one, switch when it is ready, let the old one finish what it holds.",
    needs=(
        "api",
        "worker",
        "job",
        "commands.deploy",
        "commands.rollback",
        "releases.candidate",
        "releases.previous",
        "database.effects_sql",
        "live-switch",
    ),
    minimum=100,
    broken_by=(
        Sabotage(
            id="deploy-cuts-requests",
            title="A deployment that ends by restarting the API at once",
            says="requests failed",
            command=(
                {
                    "name": "deploy",
                    "argv": ["sh", "-c", "{command:deploy} && docker compose restart --timeout 0 {services:api}"],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_live_switch(switches: Switches, target: Target, evidence: Evidence) -> None:
    switched = switches.made()
    keep_course(evidence, switched.switches)
    evidence.observed(switched.sent, "requests during deployments and rollbacks")
    failed = switched.failed(back=False)
    evidence.value("requests", {"sent": switched.sent, "failed in deployments": len(failed)})
    evidence.value("job ledger", switched.account.json())
    deployments = [switch.deployed for switch in switched.switches]
    for phase in dict.fromkeys(name for deployment in deployments for name in deployment.phases):
        evidence.measure(f"deployment: {phase}", [d.phases[phase] for d in deployments if phase in d.phases], "s")
    evidence.measure("deployment", [deployment.seconds for deployment in deployments], "s")
    if alone := [switch.switched_s for switch in switched.switches if switch.switched_s is not None]:
        evidence.measure("deployment: from its start until the new release alone serves", alone, "s")
    if failed:
        evidence.attach("failed-requests.txt", switches.failures(failed, back=False))
    assert not failed, f"{len(failed)} of {switched.sent} requests failed, first: {failed[0]}"
    switched.account.demand_done()
    if target.api.version:
        unseen = [number for number, switch in enumerate(switched.switches, 1) if not switch.both_seen]
        assert not unseen, f"in deployment {unseen} not both releases answered: it was no switch under traffic"
