from fixtures import faults
from fixtures.clients.api import Api
from fixtures.crash import followed
from fixtures.ledger import TERMINAL, Ledger
from fixtures.pressure import pressure
from fixtures.recovery_defects import stays_dead
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit

USERS, PACE_S = 1, 1.0
LOOK_S = 0.02  # a job that is given back is seen to wait


@check(
    "recovery.poison-job",
    title="A job that kills its worker each time ends failed after its attempts, without an effect, and the others are done",
    why="One document that crashes its worker is tried for ever, and every time it takes with it what others were about.",
    fix="Count an attempt when it begins, not when it ends, and give a job up after its last; wait longer before each.",
    needs=("worker", "job", "job.running", "database.effects_sql", "faults"),
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
    kills = 0
    with pressure(ledger, USERS, PACE_S) as load:
        load.demand_flow(1)
        job = poison.submit()
        # Any job will do: what makes it deadly is that whoever takes it is killed.
        while _taken(api, job, within) and kills <= most.value:
            kills += 1
            _killed(stack, api, job, evidence, within)
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


def _taken(api: Api, job: str, within: float) -> bool:
    """Whether a worker has taken the job again; false when it has ended."""
    found: list[str] = []

    def decided() -> bool:
        state = api.state(job)
        found[:] = ["taken"] if state in api.running_states else ["ended"] if api.meaning(state) in TERMINAL else []
        return bool(found)

    until(decided, within * 2, "the job that killed its worker is taken again, or given up", every=LOOK_S)
    return found == ["taken"]


def _killed(stack: ComposeStack, api: Api, job: str, evidence: Evidence, within: float) -> None:
    """Every worker killed, as whoever took the job is. They come back by themselves, and somebody sees that nobody holds the
    job any more: the dead do not say that they let go."""
    with faults.all_killed(stack, stack.containers("worker"), at_once=True) as wounds:
        evidence.event("fault", f"{len(wounds)} workers are killed by the job")
        until(
            lambda: api.state(job) not in api.running_states, within, "the job of a dead worker is let go", every=LOOK_S
        )
