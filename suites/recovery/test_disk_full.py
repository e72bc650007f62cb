import time
from contextlib import ExitStack, suppress

from fixtures import corruption
from fixtures.clients.api import Api
from fixtures.clients.database import Database
from fixtures.crash import LATE_S, followed
from fixtures.ledger import Ledger
from fixtures.pressure import pressure
from fixtures.recovery_defects import FULL_AND_DEAD
from fixtures.small_database import filled, small_database
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.unclean import demand_clean
from fixtures.wait import Unreachable, pause_until, until
from gate.check import check
from gate.evidence import Evidence
from gate.lane import LaneContext
from gate.model import Limit

USERS, PACE_S = 4, 0.2
SEGMENTS = 6  # of WAL, finished one after the other: none can be made anew, so the log itself cannot go on


@check(
    "recovery.disk-full",
    title="A database whose disk is full refuses cleanly, keeps what it promised, is whole, and works when there is room again",
    why="The last byte is written by whoever comes first; what the database does then decides between a pause and a restore.",
    fix="Answer 5xx when the database cannot write, give it a restart policy, and keep data checksums on.",
    needs=("api", "worker", "database", "job", "database.effects_sql", "faults"),
    minimum=8,
    broken_by=(FULL_AND_DEAD,),
)
def test_disk_full(stack: ComposeStack, lane: LaneContext, limits: dict[str, Limit], evidence: Evidence) -> None:
    within = limits["recovery.freed_s"]
    with small_database(stack, lane, int(limits["recovery.disk_mib"].value)) as small, ExitStack() as ends:
        api = Api(small.stack, kept=False)
        ends.callback(api.close)
        ledger, database = Ledger.of(small.stack, api), Database(small.stack)
        steady_state = SteadyState(small.stack, api, ledger)
        steady_state.demand()
        with pressure(ledger, USERS, PACE_S) as load:
            load.demand_flow(USERS)
            with filled(small) as full:
                evidence.event("fault", "not a byte is left on the volume of the database")
                _write_on(database)
                pause_until(full + limits["recovery.full_s"].value)
            freed = time.monotonic()
            evidence.event("healed", "there is room again")
            until(lambda: load.first_promise(freed), within.value + LATE_S, "a job is accepted again", every=0.05)
        accepted_s = (load.first_promise(freed) or freed) - freed
        demand_clean([a for a in load.answers if full <= a.at < freed], evidence, "while the disk was full")
        followed(ledger, api, evidence, limits["recovery.worker_takeover_s"].value).demand_whole()
        steady_state.reached(api.job_timeout_s, "steady state with room again")
        whole = corruption.wholeness(database)
        evidence.value(
            "indexes, tables looked at; pages have checksums", [whole.indexes, whole.tables, whole.checksums]
        )
        evidence.observed(whole.indexes + whole.tables, "indexes and tables whose form was looked at")
        assert not whole.wrong, f"the database is damaged: {'; '.join(whole.wrong[:3])}"
        evidence.measure("room again until a job was accepted", accepted_s, "s", within)


def _write_on(database: Database) -> None:
    """Use up what the database has in store of its log, as hours of writing would: then it cannot write at all."""
    for _ in range(SEGMENTS):
        with suppress(Unreachable, AssertionError):  # that it cannot is what is wanted; what users see of it is judged
            database.rows("SELECT pg_logical_emit_message(false, 'readiness', 'full'); SELECT pg_switch_wal()")
