from fixtures.clients.api import Api
from fixtures.crash import crashed, followed
from fixtures.ledger import Ledger
from fixtures.recovery_defects import stays_dead
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit


@check(
    "recovery.api-crash",
    title="The API, and the gateway, killed under load are back by themselves, and no promised job is lost or done twice",
    why="A client that was told yes relies on it; one that was told nothing asks again, and must not get a second job.",
    fix="Answer a submission after its commit, and let the same idempotency key give the same job.",
    needs=("api", "worker", "job", "database.effects_sql", "faults"),
    minimum=20,
    broken_by=(stays_dead("api", "crashed"),),
)
def test_front_crash(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    within = limits["recovery.front_back_s"]
    seconds = []
    for role in ("api", "gateway"):
        victims = stack.containers(role)
        if not victims:
            continue
        crash = crashed(stack, ledger, evidence, victims, within)
        seconds.append(crash.accepted_s)
        unclear = sum(not answer.clean for answer in crash.answers)
        evidence.value(f"submissions without an answer when the {role} was killed", unclear)
    account = followed(ledger, api, evidence, limits["recovery.worker_takeover_s"].value)
    account.demand_whole()
    evidence.measure("killed until a job was accepted again", seconds, "s", within)
    steady_state.reached(api.job_timeout_s, "steady state after the crashes")
