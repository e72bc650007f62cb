import time
from contextlib import ExitStack

from fixtures import faults
from fixtures.clients.api import Api
from fixtures.clients.docker import Container
from fixtures.crash import followed
from fixtures.ledger import Ledger
from fixtures.more_workers import workers
from fixtures.recovery_defects import STAYS_HUNG
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState, seconds_of_a_job
from fixtures.wait import NotReached, pause_until, until
from fixtures.well import well
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit

JOBS = 6


@check(
    "recovery.hung-worker",
    title="Jobs of a worker that hangs are taken over, and when it goes on it makes no second effect",
    why="A paused machine comes back and goes on where it was, with jobs in its hands that others have done by then.",
    fix="Take jobs over whose worker gives no sign of life, and let nobody end a job that is no longer theirs (a fence).",
    needs=("worker", "job", "job.running", "database.effects_sql", "faults"),
    minimum=1,
    broken_by=(STAYS_HUNG,),
)
def test_hung_worker(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    alone_s = seconds_of_a_job(ledger)
    with workers(stack, 2) as (hung, *others), ExitStack() as asleep:
        # The others sleep with empty hands until all that is held is in the hands of the one that is to hang.
        asleep.enter_context(faults.all_paused(stack, others))
        jobs = ledger.submit_at_once(JOBS)
        try:
            until(lambda: _held(api, jobs), api.job_timeout_s, "the worker takes a job", every=0.02)
        except NotReached as error:
            raise Unverified(f"no job was seen in the hands of a worker: {error}") from error
        with faults.paused(stack, hung) as wound:
            held = _held(api, jobs)
            evidence.event("fault", f"{hung.service} hangs with {len(held)} of {len(jobs)} jobs in its hands")
            asleep.close()
            ledger.follow(within=limits["recovery.hung_s"].value + api.job_timeout_s, only=held)
            evidence.event("taken over", "others have done the jobs of the one that hangs")
        woken = time.monotonic()
        evidence.event("healed", "it goes on")
        # It has the time to end each job that it still believes in.
        pause_until(woken + alone_s)
        woken_s = limits["recovery.woken_s"]
        until(lambda: _ready(stack, hung), woken_s.value, f"{hung.service} that hung is ready again", every=0.2)
        account = followed(ledger, api, evidence, limits["recovery.hung_s"].value)
    account.demand_whole()
    evidence.observed(len(held), "jobs in the hands of a worker that hung")
    ends = [ledger.entry(job).finished_at or time.time() for job in held]
    if not ends:
        raise Unverified("the worker held no job when it hung: make jobs longer in [profiles] env")
    evidence.measure("hung until others had done its jobs", max(ends) - wound.at_epoch, "s", limits["recovery.hung_s"])
    steady_state.reached(api.job_timeout_s, "steady state after a worker hung")


def _held(api: Api, jobs: list[str]) -> list[str]:
    return [job for job in jobs if api.state(job) in api.running_states]


def _ready(stack: ComposeStack, wanted: Container) -> bool:
    return any(found.id == wanted.id and well(found) for found in stack.containers(wanted.role))
