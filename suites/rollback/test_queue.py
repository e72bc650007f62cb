import pytest

from fixtures import release
from fixtures.clients.api import Api
from fixtures.identity import releases, unchanged
from fixtures.ledger import Ledger
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "rollback.queue",
    title="Jobs that the new release put into the queue are done or kept by the old one: none is lost",
    why="A queue outlives the release that filled it; an old worker that discards what it does not know loses work for ever.",
    fix="Give each type of job a queue of its own, and let a worker leave alone what it does not know.",
    needs=(
        "api",
        "worker",
        "job",
        "commands.deploy",
        "commands.rollback",
        "releases.candidate",
        "releases.previous",
        "database.effects_sql",
    ),
    minimum=10,
    broken_by=(
        Sabotage(
            id="rollback-leaves-no-worker",
            title="A rollback after which no worker does the jobs that are there",
            command=(
                {
                    "name": "rollback",
                    "argv": ["sh", "-c", "{command:rollback} && docker compose stop {services:worker}"],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_queue(
    stack: ComposeStack, api: Api, ledger: Ledger, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    before, count = releases(stack), int(limits["recovery.jobs_in_flight"].value)
    release.deploy(stack, target.releases["candidate"]).check("deploying the candidate")
    if untouched := unchanged(before, releases(stack)):
        raise Unverified(f"the deployment changed no image of {', '.join(untouched)}: no new release filled the queue")
    usual = ledger.submit_at_once(count)
    new = ledger.submit_at_once(count, template=target.job.new_body) if target.job.new_body else []
    release.roll_back(stack).check("rolling back")
    # Behind the others: jobs that the old release does not know must not be in the way of those it knows.
    usual += ledger.submit_at_once(1)
    ledger.follow(within=api.job_timeout_s * 2, only=usual)
    left = {job: outcome for job in new if (outcome := api.outcome(job)) not in {"succeeded", "pending"}}
    evidence.observed(len(usual) + len(new), "jobs queued when the new release was left, and one behind them")
    assert not left, f"jobs that only the new release knows were neither done nor kept by the old one: {left}"
    kept = [job for job in new if api.outcome(job) == "pending"]
    evidence.value("jobs of the new type", {"done before the rollback": len(new) - len(kept), "kept": len(kept)})
    if kept:
        release.deploy(stack, target.releases["candidate"]).check("deploying the candidate again")
    ledger.follow()
    account = ledger.reconcile()
    evidence.value("job ledger", account.json())
    account.demand_done()
    if target.job.new_body and not kept:
        raise Unverified("every job of the new type was done before the rollback: make jobs longer in [profiles] env")
