import pytest

from fixtures import release
from fixtures.identity import releases, unchanged
from fixtures.ledger import Ledger
from fixtures.release import Released
from fixtures.stack import ComposeStack
from fixtures.traffic import Traffic, traffic
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


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
def test_time(
    stack: ComposeStack,
    ledger: Ledger,
    target: Target,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    rollbacks: list[Released] = []
    streams: list[Traffic] = []
    before = releases(stack)
    database = [(c.name, c.started_at) for c in stack.containers("database")]
    known_job = ledger.submit()
    per_second = limits["rollback.traffic_per_s"].value
    for _ in range(int(limits["rollback.repeats"].value)):
        # A stream of its own for each: its token is as old as one deployment and rollback, not as all of them.
        with traffic(stack, per_second=per_second, job_id=known_job) as stream:
            streams.append(stream)
            release.deploy(stack, target.releases["candidate"]).check("deploying the candidate")
            if untouched := unchanged(before, releases(stack)):
                raise Unverified(f"deployment {len(rollbacks) + 1} changed no image of {', '.join(untouched)}")
            ledger.submit_at_once(int(limits["rollback.jobs_in_flight"].value))
            evidence.event("rollback", "decided")
            rollbacks.append(release.roll_back(stack).check("rolling back"))
            evidence.event("rollback", "done")
            left = {role: sorted(images - before[role]) for role, images in releases(stack).items()}
            assert not any(left.values()), f"rollback {len(rollbacks)} left the new release running: {left}"
    ledger.follow()
    account = ledger.reconcile()

    sent = sum(stream.sent for stream in streams)
    failed = [failure for stream in streams for failure in stream.failed]
    evidence.observed(sent, "requests during deployments and rollbacks")
    evidence.value("requests", {"sent": sent, "failed": len(failed)})
    evidence.value("failed requests", [f"{failure.path}: {failure.status} {failure.error}" for failure in failed[:20]])
    evidence.value("job ledger", account.json())
    for phase in dict.fromkeys(name for rollback in rollbacks for name in rollback.phases):
        evidence.measure(f"rollback: {phase}", [r.phases[phase] for r in rollbacks if phase in r.phases], "s")
    assert not failed, f"{len(failed)} of {sent} requests failed, first: {failed[0]}"
    restarted = [(c.name, c.started_at) for c in stack.containers("database")]
    assert restarted == database, f"the database was restarted: it ran as {database}, it runs as {restarted}"
    assert account.lost == 0, f"jobs lost: {account}"
    assert account.duplicated == 0, f"jobs done twice: {account}"
    assert account.succeeded == account.acknowledged, f"not every job succeeded: {account}"
    evidence.measure("rollback", [r.seconds for r in rollbacks], "s", limits["rollback.time_s"])
