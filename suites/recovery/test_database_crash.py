from fixtures import durability
from fixtures.clients.api import Api
from fixtures.clients.database import Database
from fixtures.crash import crashed, followed
from fixtures.ledger import Ledger
from fixtures.recovery_defects import stays_dead, told_to_database
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit


@check(
    "recovery.database-crash",
    title="A database killed under load is back by itself within the limit, and no promised job is lost or done twice",
    why="What was acknowledged is gone for good when the database had it in memory only, and nobody hears of it.",
    fix="Set fsync, full_page_writes and synchronous_commit to on for everybody, and answer a submission after its commit.",
    needs=("api", "worker", "database", "job", "database.effects_sql", "faults"),
    minimum=20,
    broken_by=(
        told_to_database(
            "commits-not-awaited",
            "A database that says that it has committed before it has written (synchronous_commit = off)",
            "ALTER SYSTEM SET synchronous_commit = off",
            "SELECT pg_reload_conf()",
        ),
        told_to_database(
            "writes-not-synced",
            "A database that leaves it to the machine when its writes reach the disk (fsync = off)",
            "ALTER SYSTEM SET fsync = off",
            "SELECT pg_reload_conf()",
            says="fsync = off",
        ),
        stays_dead("database", "crashed"),
    ),
)
def test_database_crash(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    database: Database,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    within = limits["recovery.database_back_s"]
    crashes = []
    for number in range(1, int(limits["recovery.database_kills"].value) + 1):
        crashes.append(crashed(stack, ledger, evidence, stack.containers("database"), within))
        followed(ledger, api, evidence, limits["recovery.worker_takeover_s"].value).demand_whole()
        evidence.value("kills of the database", number)
    evidence.measure("killed until a job was accepted again", [c.accepted_s for c in crashes], "s", within)
    evidence.measure("killed until the database was ready again", [c.ready_s for c in crashes], "s", within)
    # A second witness: what a kill of the process cannot show, because the machine's memory outlives it.
    settings = durability.settings(database)
    evidence.value("settings of durability", [list(row) for row in settings])
    wrong = durability.losing(settings)
    assert not wrong, f"acknowledged commits do not outlive a crash: {'; '.join(wrong)}"
    archived_s = durability.archived_again(database, limits["recovery.archived_again_s"].value)
    evidence.value("WAL is archived again, seconds (none: nothing is archived)", archived_s)
    steady_state.reached(api.job_timeout_s, "steady state after the crash")
