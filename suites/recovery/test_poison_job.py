import time
from contextlib import ExitStack

from fixtures import faults
from fixtures.clients.api import Api
from fixtures.crash import LATE_S, followed
from fixtures.ledger import TERMINAL, Ledger
from fixtures.recovery_defects import stays_dead
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit

OTHERS = 3  # jobs that come after each kill
OTHERS_S = 0.5  # between two looks at them
LOOK_S = 0.02  # before it has ended


@check(
    "recovery.poison-job",
    title="A job that kills its worker each time ends failed after its attempts, without an effect, and the others are done",
    why="One document that crashes its worker is tried for ever, and every time it takes with it what others were about.",
    fix="Count an attempt when it begins, not when it ends, and give a job up after its last; wait longer before each.",
    needs=("worker", "job", "job.attempts", "database.effects_sql", "faults"),
    minimum=1,
    broken_by=(stays_dead("worker", "poisoned"),),
)
def test_poison_job(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    most, within = limits["recovery.poison_kills"], limits["recovery.worker_takeover_s"].value
    faults.settled(stack.containers("worker"))
    poison = Ledger.of(stack, api)  # an account of its own: it is not to succeed
    tries: list[int] = []
    job = poison.submit()
    with ExitStack() as dead:
        # Any job will do: what makes it deadly is that whoever takes it is killed.
        while len(tries) <= most.value and (begun := _begun(api, ledger, job, tries[-1:], within)):
            tries.append(begun)
            dead.close()  # that somebody has begun it says that the killed came back by themselves
            workers = stack.containers("worker")
            dead.enter_context(faults.all_killed(stack, workers, at_once=True))
            evidence.event("fault", f"{len(workers)} workers killed by the job, begun for the {begun}. time")
            ledger.submit_at_once(OTHERS)
    kills = len(tries)
    outcome = api.outcome(job)
    evidence.observed(kills, "workers killed by the job that they had taken")
    evidence.value("the deadly job ended", outcome)
    if outcome == "succeeded":
        raise Unverified(
            f"the job ended before its worker was killed, after {kills} kills: make jobs longer in [profiles] env"
        )
    assert outcome in TERMINAL, f"the job has killed its workers {kills} times, and they are to try it again"
    assert not poison.reconcile().ambiguous, "the job was given up, and yet it has had its effect"
    account = followed(ledger, api, evidence, within)
    account.demand_whole()
    evidence.measure("workers killed by one job", kills, "times", most)
    others = [entry.seconds for entry in ledger.entries if entry.seconds is not None]
    evidence.measure("jobs beside it, from attempt to end", others, "s", limits["recovery.poison_others_s"])
    steady_state.reached(api.job_timeout_s, "steady state after the deadly job")


def _begun(api: Api, ledger: Ledger, job: str, before: list[int], within: float) -> int:
    """How often the job was begun, once that is more often than `before`; 0 when it has ended. Meanwhile the other jobs are
    followed, so that their ends are seen when they come."""
    found: list[int] = []
    looked = [time.monotonic()]

    def decided() -> bool:
        outcome, begun = api.attempt(job)
        found[:] = [0] if outcome in TERMINAL else [begun] if begun > max(before, default=0) else []
        if not found and time.monotonic() - looked[0] > OTHERS_S:
            ledger.poll()
            looked[0] = time.monotonic()
        return bool(found)

    until(decided, within + LATE_S, "the job that killed its worker is begun again, or given up", every=LOOK_S)
    return found[0]
