import time

from fixtures import faults
from fixtures.clients.api import Api
from fixtures.ledger import Ledger
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import NotReached, pause_until, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "recovery.worker-crash",
    title="Jobs whose worker is killed in the middle are done once, within the limit",
    why="A worker that dies must cost time, never a job, and must not make an effect happen twice.",
    fix="Commit the effect with the job's end in one transaction, and take over jobs whose worker shows no sign of life.",
    needs=("worker", "job", "job.running", "database.effects_sql", "faults"),
    minimum=5,
    broken_by=(
        Sabotage(
            id="killed-worker-stays-dead",
            title='A worker with restart: "no"',
            compose={"services": {"{worker}": {"restart": "no"}}},
        ),
    ),
)
def test_worker_crash(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    steady_state: SteadyState,
    target: Target,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    limit = limits["recovery.worker_takeover_s"]
    kills = int(limits["recovery.worker_kills"].value)
    takeovers: list[float] = []
    for kill in range(kills):
        faults.settled(stack.containers("worker"))
        jobs = [ledger.submit() for _ in range(int(limits["recovery.jobs_in_flight"].value))]
        _await_one_in_hand(api, target, jobs)
        # Not always at the first moment of a job: later kills hit later stages.
        pause_until(time.monotonic() + kill / kills * limits["recovery.kill_within_s"].value)
        takeovers.append(_killed_in_the_middle(stack, api, ledger, target, jobs, limit, evidence))
    account = ledger.reconcile()
    evidence.observed(account.acknowledged, "jobs followed to their end")
    evidence.value("job ledger", account.json())
    assert account.lost == 0, f"jobs lost: {account}; {account.lost_jobs}"
    assert account.duplicated == 0, f"effects twice: {account}; {account.duplicated_jobs}"
    assert account.succeeded == account.acknowledged, f"not every job succeeded: {account}"
    evidence.measure("workers killed until every job was done", takeovers, "s", limit)
    steady_state.reached(target.job.timeout_s, "steady state after the crashes")


def _in_hand(api: Api, target: Target, jobs: list[str]) -> list[str]:
    """Those of the jobs that a worker holds now."""
    return [job for job in jobs if api.state(job) in target.job.running]


def _await_one_in_hand(api: Api, target: Target, jobs: list[str]) -> None:
    try:
        until(lambda: _in_hand(api, target, jobs), api.job_timeout_s, "a worker takes one of the jobs", every=0.02)
    except NotReached as error:
        raise Unverified(f"no job was seen in the hands of a worker, so none could be interrupted: {error}") from error


def _killed_in_the_middle(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    target: Target,
    jobs: list[str],
    limit: Limit,
    evidence: Evidence,
) -> float:
    """Kill every worker while it works; the seconds until all of the jobs have ended."""
    held = _in_hand(api, target, jobs)
    if not held:
        raise Unverified("all jobs had ended before a worker could be killed: make them longer in the profile's env")
    with faults.all_killed(stack, stack.containers("worker")) as wounds:
        evidence.event("fault", f"{len(wounds)} workers killed with {len(held)} of {len(jobs)} jobs in their hands")
        began = wounds[0].at
        ledger.follow(within=limit.value * 1.5)
    evidence.event("recovered", "every job has ended")
    return time.monotonic() - began
