import time

from fixtures.clients.api import Api
from fixtures.crash import LATE_S, followed
from fixtures.ledger import Ledger
from fixtures.partition import partitioned
from fixtures.pressure import pressure
from fixtures.recovery_defects import passwords_end
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.unclean import demand_clean
from fixtures.wait import pause_until, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit

USERS, PACE_S = 4, 0.5


@check(
    "recovery.partition",
    title="The API, and the workers, cut off from the database: clean errors, then all by itself, nothing lost or done twice",
    why="A network that swallows packets tells nobody; who waits for ever for an answer is down until somebody looks.",
    fix="Limit every wait for the database (connect, statement, TCP user timeout), answer 5xx then, and connect anew.",
    needs=("api", "worker", "database", "job", "job.running", "database.effects_sql", "faults"),
    minimum=8,
    broken_by=(passwords_end("partition"),),
)
def test_partition(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    crowd: Ledger,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    lasts, within = limits["recovery.partition_s"].value, limits["recovery.rejoined_s"]
    with pressure(crowd, USERS, PACE_S) as load:
        load.demand_flow(USERS)
        with partitioned(stack, "api", "database") as cut:
            evidence.event("fault", cut.seen)
            pause_until(cut.at + lasts)
        healed = time.monotonic()
        evidence.event("healed", "the API reaches the database again")
        until(lambda: load.first_promise(healed), within.value + LATE_S, "a job is accepted after the cut", every=0.05)
    accepted_s = (load.first_promise(healed) or healed) - healed
    during = [a for a in load.answers if a.at + a.seconds > cut.at and a.at < healed]
    demand_clean(during, evidence, "while the API was cut off")
    followed(crowd, api, evidence, limits["recovery.worker_takeover_s"].value).demand_whole()

    jobs = ledger.submit_at_once(USERS * 2)
    until(lambda: any(api.state(j) in api.running_states for j in jobs), api.job_timeout_s, "a worker takes a job")
    with partitioned(stack, "worker", "database") as cut:
        evidence.event("fault", cut.seen)
        held = sum(api.state(job) in api.running_states for job in jobs)
        pause_until(cut.at + lasts)
    evidence.event("healed", "the workers reach the database again")
    rejoined = time.time()
    account = followed(ledger, api, evidence, limits["recovery.worker_takeover_s"].value)
    account.demand_whole()
    evidence.value("jobs in workers' hands when they were cut off", held)
    if not held:
        raise Unverified("no job was in a worker's hands when they were cut off: make jobs longer in [profiles] env")
    ends = [ledger.entry(job).finished_at or rejoined for job in jobs]
    evidence.measure("joined again until a job was accepted", accepted_s, "s", within)
    evidence.measure(
        "joined again until interrupted jobs were done", max(ends) - rejoined, "s", limits["recovery.worker_takeover_s"]
    )
    steady_state.reached(api.job_timeout_s, "steady state after the cuts")
