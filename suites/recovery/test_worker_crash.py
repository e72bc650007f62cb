import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fixtures import faults
from fixtures.clients.api import Api
from fixtures.ledger import AT_ONCE, Ledger
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState, seconds_of_a_job
from fixtures.wait import NotReached, pause_until, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

INTERRUPTED = 5


@check(
    "recovery.worker-crash",
    title="Jobs whose worker is killed in the middle, in each of their stages, are done once, within the limit",
    why="A worker that dies must cost time, never a job, and must not make an effect happen twice.",
    fix="Commit the effect with the job's end in one transaction, and take over jobs whose worker shows no sign of life.",
    needs=("worker", "job", "job.running", "database.effects_sql", "faults"),
    minimum=INTERRUPTED,
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
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    limit = limits["recovery.worker_takeover_s"]
    kills = int(limits["recovery.worker_kills"].value)
    stages = set(stack.target.job.stages)
    alone_s = seconds_of_a_job(ledger)
    rounds: list[Round] = []
    while not _enough(rounds, kills, stages) and len(rounds) < TRIES * kills:
        # Not always at the first moment of a job: later kills hit later stages.
        delay_s = len(rounds) % kills / kills * limits["recovery.kill_within_s"].value
        rounds.append(_round(stack, api, ledger, limits, evidence, delay_s, alone_s))
    account = ledger.reconcile()
    evidence.observed(sum(r.interrupted for r in rounds), "jobs interrupted and followed to their end")
    evidence.value("job ledger", account.json())
    hit = _hit(rounds)
    evidence.value("stages in which jobs were interrupted", sorted(hit))
    account.demand_whole()
    if sum(r.interrupted > 0 for r in rounds) < kills:
        raise Unverified(
            f"of {len(rounds)} kills fewer than {kills} interrupted a job: make jobs longer in [profiles] env"
        )
    if stages - hit:
        raise Unverified(
            f"no kill interrupted a job in {', '.join(sorted(stages - hit))}: make jobs longer in [profiles] env"
        )
    evidence.measure(
        "killed until every interrupted job was done", [r.seconds for r in rounds if r.interrupted], "s", limit
    )
    steady_state.reached(api.job_timeout_s, "steady state after the crashes")


TRIES = 3  # a kill between two jobs interrupts nothing and is repeated
SPREAD = 5  # jobs that begin one after the other, so that a kill finds them in different stages
CROWDED = 3  # times as long as alone takes a job among others on a busy machine
CLOSE = 0.8  # of a job's time they begin within, so that the first still runs when the last begins


@dataclass(frozen=True, slots=True)
class Round:
    """One kill of all workers: how many jobs were still in dead workers' hands, in which stages, and the seconds until these
    had ended."""

    interrupted: int
    stages: frozenset[str]
    seconds: float


def _enough(rounds: list[Round], kills: int, stages: set[str]) -> bool:
    """So many kills that interrupted a job, so many jobs, and each stage: workers that do one at a time need more kills."""
    hurt, jobs = sum(r.interrupted > 0 for r in rounds), sum(r.interrupted for r in rounds)
    return hurt >= kills and jobs >= INTERRUPTED and stages <= _hit(rounds)


def _hit(rounds: list[Round]) -> set[str]:
    return {stage for r in rounds for stage in r.stages}


def _round(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    limits: dict[str, Limit],
    evidence: Evidence,
    delay_s: float,
    alone_s: float,
) -> Round:
    """Kill every worker while jobs are in their hands, and follow all jobs to their end; one takes `alone_s` by itself."""
    workers = stack.containers("worker")
    faults.settled(workers)
    apart_s = CLOSE * alone_s / (len(stack.target.job.stages) or SPREAD)
    jobs = _submitted(ledger, int(limits["recovery.jobs_in_flight"].value), apart_s)
    try:
        until(lambda: _any_held(api, jobs), api.job_timeout_s, "a worker takes one of the jobs", every=0.02)
    except NotReached as error:
        raise Unverified(f"no job was seen in the hands of a worker: {error}") from error
    pause_until(time.monotonic() + delay_s)
    before = _all_held(api, jobs)
    with faults.all_killed(stack, workers) as wounds:
        # While no worker is back, whatever is still held was interrupted, which is this fault's witness. One that is back
        # may have taken a job that nobody held; what was held before as well it cannot have had from another.
        held = _all_held(api, jobs)
        interrupted = held.keys() & before if stack.containers("worker") else held.keys()
        evidence.event(
            "fault", f"{len(wounds)} workers killed with {len(interrupted)} of {len(jobs)} jobs in their hands"
        )
        # The others of the jobs only waited: they get the time that so many jobs take, beside that of the takeover.
        waiting_s = CROWDED * alone_s * len(jobs) / max(1, len(before))
        ledger.follow(within=limits["recovery.worker_takeover_s"].value + api.job_timeout_s + waiting_s)
    evidence.event("recovered", "every job has ended")
    ends = [ledger.entry(job).finished_at or time.time() for job in interrupted]
    stages = frozenset(held[job] for job in interrupted if held[job])
    return Round(len(interrupted), stages, max(ends, default=0.0) - wounds[0].at_epoch)


def _submitted(ledger: Ledger, number: int, apart_s: float) -> list[str]:
    """So many jobs: the first begin one after the other, the rest wait behind them."""
    began, first = time.monotonic(), []
    for place in range(min(SPREAD, number)):
        pause_until(began + place * apart_s)
        first.append(ledger.submit())
    return first + ledger.submit_at_once(number - len(first))


def _any_held(api: Api, jobs: list[str]) -> bool:
    """Whether a worker holds one of the jobs; asks no further than that."""
    return any(api.state(job) in api.running_states for job in jobs)


def _all_held(api: Api, jobs: list[str]) -> dict[str, str]:
    """The jobs that workers hold now, each with its stage (empty: it does not say), asked side by side, because every moment
    counts."""
    with ThreadPoolExecutor(AT_ONCE) as users:
        return {job: where for job, where in zip(jobs, users.map(api.stage, jobs), strict=True) if where is not None}
