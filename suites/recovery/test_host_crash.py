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
    "recovery.host-crash",
    title="With every container killed at one moment under load all is back by itself, and no job is lost or done twice",
    why="A host that dies takes everything at once, and everything starts at once, each without the others.",
    fix="Give every service a restart policy, and let each wait for what it needs.",
    needs=("api", "worker", "database", "job", "database.effects_sql", "faults"),
    minimum=20,
    broken_by=(stays_dead("database", "dead-host"), stays_dead("worker", "dead-host")),
)
def test_host_crash(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    within = limits["recovery.host_back_s"]
    everything = stack.containers()
    crash = crashed(stack, ledger, evidence, everything, within)
    evidence.value("containers killed", len(everything))
    account = followed(ledger, api, evidence, limits["recovery.worker_takeover_s"].value)
    account.demand_whole()
    evidence.measure("killed until a job was accepted again", crash.accepted_s, "s", within)
    evidence.measure("killed until everything was ready again", crash.ready_s, "s", within)
    steady_state.reached(api.job_timeout_s, "steady state after the crash")
