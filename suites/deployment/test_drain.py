import time
from concurrent.futures import ThreadPoolExecutor

from fixtures.clients import docker
from fixtures.clients.api import Api
from fixtures.clients.docker import Container
from fixtures.ledger import Ledger
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

GENTLE = {0, 143}  # ended by itself, or by the SIGTERM that it was sent


@check(
    "deployment.drain",
    title="A worker that is asked to stop finishes or gives back its jobs, within its grace period",
    why="Every deployment stops workers; one that is killed there burns an attempt of each job it holds.",
    fix="Handle SIGTERM: take no more jobs, finish or give back what runs, and leave before the grace period ends.",
    needs=("worker", "job", "job.running", "database.effects_sql", "faults"),
    standards=("C18", "Twelve-Factor IX"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="worker-ignores-sigterm",
            title="Workers that never hear the signal to stop",
            says="killed",
            compose={"services": {"{worker}": {"stop_signal": "SIGURG", "stop_grace_period": "3s"}}},
        ),
    ),
)
def test_drain(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    workers = stack.containers("worker")
    jobs = ledger.submit_at_once(int(limits["recovery.jobs_in_flight"].value))
    try:
        until(lambda: _held(api, jobs), api.job_timeout_s, "a worker takes one of the jobs", every=0.02)
    except NotReached as error:
        raise Unverified(f"no job was seen in the hands of a worker: {error}") from error
    held = _held(api, jobs)
    try:
        with ThreadPoolExecutor(len(workers)) as at_once:
            seconds = list(at_once.map(lambda worker: _stopped(stack, worker), workers))
        ends = {worker.name: _now(stack, worker).exit_code for worker in workers}
        evidence.value("exit status by worker", ends)
        evidence.observed(len(held), "jobs in workers' hands when they were asked to stop")
        evidence.observed(len(workers), "workers asked to stop")
        killed = [f"{name} ended with {status}" for name, status in ends.items() if status not in GENTLE]
        assert not killed, f"killed at the end of the grace period, or crashed: {'; '.join(killed)}"
        still = _held(api, jobs)
        assert not still, f"all workers have left, and {len(still)} jobs are still in their hands: {sorted(still)[:3]}"
    finally:
        for worker in workers:
            if not _now(stack, worker).running:
                stack.engine.start(worker.id)
    ledger.follow(within=api.job_timeout_s * 2)
    account = ledger.reconcile()
    evidence.value("job ledger", account.json())
    account.demand_done()
    if not held:
        raise Unverified("the jobs had ended before the workers were asked to stop: make jobs longer in [profiles] env")
    evidence.measure("asked to stop until gone", seconds, "s")
    steady_state.reached(api.job_timeout_s, "steady state after the workers were stopped")


def _held(api: Api, jobs: list[str]) -> set[str]:
    """Those of the jobs that a worker holds now."""
    with ThreadPoolExecutor(len(jobs)) as users:
        return {job for job, state in zip(jobs, users.map(api.state, jobs), strict=True) if state in api.running_states}


def _stopped(stack: ComposeStack, worker: Container) -> float:
    """Stop it as an operator would, with the grace period that it declares; return the seconds that it took."""
    began = time.monotonic()
    stack.engine.stop(worker.id, grace_s=worker.grace_s)
    return time.monotonic() - began


def _now(stack: ComposeStack, worker: Container) -> Container:
    inspect = stack.engine.inspect(worker.id)
    assert inspect is not None, f"{worker.name} is gone"
    return docker.container(inspect, worker.role)
