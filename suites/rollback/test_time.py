import pytest

from fixtures.course import keep_course
from fixtures.switches import Switches
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "rollback.time",
    title="Repeated rollbacks under traffic: each within the limit, no request failed, no job lost or done twice",
    why="The way back is taken on the worst day, under load, by somebody in a hurry.",
    fix="See which phase took the time, and keep the database and the shared services out of the rollback.",
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
            id="rollback-restarts-database",
            title="A rollback that restarts the database",
            command=(
                {
                    "name": "rollback",
                    "argv": ["sh", "-c", "{command:rollback}; docker compose restart {services:database}"],
                },
            ),
        ),
        Sabotage(
            id="rollback-refuses",
            title="A rollback that fails",
            command=({"name": "rollback", "argv": ["false"]},),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_time(switches: Switches, limits: dict[str, Limit], evidence: Evidence) -> None:
    switched = switches.made()
    keep_course(evidence, switched.switches)
    evidence.observed(switched.sent, "requests during deployments and rollbacks")
    failed = switched.failed(back=True)
    evidence.value("requests", {"sent": switched.sent, "failed in rollbacks": len(failed)})
    evidence.value("job ledger", switched.account.json())
    rollbacks = [switch.rolled_back for switch in switched.switches]
    for phase in dict.fromkeys(name for rollback in rollbacks for name in rollback.phases):
        evidence.measure(f"rollback: {phase}", [r.phases[phase] for r in rollbacks if phase in r.phases], "s")
    if alone := [switch.alone_s for switch in switched.switches if switch.alone_s is not None]:
        evidence.measure("decided until the old release alone serves", alone, "s", limits["rollback.alone_s"])
    if failed:
        evidence.attach("failed-requests.txt", switches.failures(failed, back=True))
    assert not failed, f"{len(failed)} of {switched.sent} requests failed, first: {failed[0]}"
    left = {number: names for number, names in enumerate(switched.left, 1) if names}
    assert not left, f"rollbacks left the new release running: {left}"
    before, after = switched.database
    assert before == after, f"the database was restarted: it ran as {before}, it runs as {after}"
    switched.account.demand_done()
    evidence.measure("rollback", [rollback.seconds for rollback in rollbacks], "s", limits["rollback.time_s"])
