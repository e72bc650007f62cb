import time

from fixtures.clients.api import Api
from fixtures.clients.database import Database
from fixtures.crash import LATE_S, followed
from fixtures.exhaustion import exhausted
from fixtures.ledger import Ledger
from fixtures.pressure import pressure
from fixtures.recovery_defects import passwords_end
from fixtures.steady import SteadyState
from fixtures.unclean import demand_clean
from fixtures.wait import pause_until, until
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit

USERS, PACE_S = 4, 0.3


@check(
    "recovery.connection-exhaustion",
    title="A database without a connection left: clean refusals, then all by itself, nothing lost or done twice",
    why="Connections run out on the busiest day, and services that give up then stay down when there are some again.",
    fix="Answer 503 while no connection can be had, and try again for as long as it takes.",
    needs=("api", "worker", "database", "job", "database.effects_sql", "faults"),
    minimum=8,
    broken_by=(passwords_end("exhaustion"),),
)
def test_connection_exhaustion(
    api: Api,
    crowd: Ledger,
    database: Database,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    within = limits["recovery.rejoined_s"]
    with pressure(crowd, USERS, PACE_S) as load:
        load.demand_flow(USERS)
        with exhausted(database) as out:
            evidence.event("fault", f"{out.ended} sessions ended, and no connection is left")
            pause_until(out.at + limits["recovery.exhausted_s"].value)
        healed = time.monotonic()
        evidence.event("healed", "connections can be had again")
        until(lambda: load.first_promise(healed), within.value + LATE_S, "a job is accepted afterwards", every=0.05)
    during = [answer for answer in load.answers if answer.at + answer.seconds > out.at and answer.at < healed]
    demand_clean(during, evidence, "without a connection left")
    followed(crowd, api, evidence, limits["recovery.worker_takeover_s"].value).demand_whole()
    accepted_s = (load.first_promise(healed) or healed) - healed
    evidence.measure("connections again until a job was accepted", accepted_s, "s", within)
    steady_state.reached(api.job_timeout_s, "steady state with connections again")
