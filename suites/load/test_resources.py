from collections.abc import Mapping

from fixtures.campaign import Campaign, Seen
from fixtures.clients.database import Database
from fixtures.growth import growth
from fixtures.index_use import index_use
from fixtures.sessions import FEWEST_LOOKS, pools
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

_KEEP = ("api", "worker")  # a database fills its cache with what it reads, and is meant to

# Takes every table for itself for longer than anybody may wait.
_LOCK = """
while :; do
  psql --quiet --username {database:user} --dbname {database:name} --command "SET lock_timeout = '1s';
    DO \\$\\$ DECLARE name text; BEGIN FOR name IN SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables LOOP
    EXECUTE 'LOCK TABLE ' || name || ' IN ACCESS EXCLUSIVE MODE'; END LOOP; PERFORM pg_sleep(4); END \\$\\$" || :
  sleep 8
done
"""
# As if none were there, whatever they are called and whatever rests on them. A plan that is forced looks so dear that each
# statement would be compiled first, which takes longer than to do it.
_WITHOUT_INDEXES = """
psql --quiet --username {database:user} --dbname {database:name} --set ON_ERROR_STOP=1 <<'SQL'
SELECT format('ALTER DATABASE %I SET %s = off', current_database(), setting)
  FROM unnest(ARRAY['enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan', 'jit']) AS setting \\gexec
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid();
SQL
"""


@check(
    "load.resources",
    title="Under load no container nears its limits or restarts or keeps memory of each job, and the database neither reads"
    " tables from end to end for jobs nor lets anybody wait long for a lock or a connection",
    why="What is killed for want of memory is killed on the busiest day; a lock, or a table that is read whole, is an outage.",
    fix="Give the container that memory or find the leak; index what is read for every job; hold locks for less long.",
    needs=("api", "worker", "database.sql", "job", "job.running", "database.effects_sql", "faults"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="tables-locked-for-four-seconds",
            title="Now and then something locks all tables for four seconds",
            exec=({"role": "database", "command": ["sh", "-c", _LOCK], "detach": True},),
            says="waited for a lock",
        ),
        Sabotage(
            id="database-without-indexes",
            title="The database uses no index, as if none were there",
            exec=({"role": "database", "command": ["sh", "-c", _WITHOUT_INDEXES]},),
            says="read from end to end",
        ),
    ),
)
def test_resources(stack: ComposeStack, campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    loads = {"crowd": campaign.crowd(), "twice the crowd": campaign.crowd(2), "on schedule": campaign.surge()}
    for name, seen in loads.items():
        unwell = seen.vitals.unwell()
        assert not unwell, f"under load ({name}): {'; '.join(unwell)}"
    evidence.value("CPU seconds for 1000 jobs", _cpu_s(loads) / max(1, _jobs(loads)) * 1000)
    _connections(loads, limits, evidence)
    _tables(stack, campaign, limits, evidence)
    _memory(stack, loads, limits, evidence)


def _connections(loads: Mapping[str, Seen], limits: dict[str, Limit], evidence: Evidence) -> None:
    looks = [look for seen in loads.values() for look in seen.vitals.sessions]
    if not looks:
        raise Unverified("the database could not be asked once who waits for a lock")
    longest = max(look.lock_wait_s for look in looks)
    evidence.measure("longest that a statement waited for a lock", longest, "s", limits["load.lock_wait_s"])
    under_load = [look for seen in loads.values() for look in seen.sessions]
    if len(under_load) < FEWEST_LOOKS:
        raise Unverified(
            f"the database was asked {len(under_load)} times while users came: too seldom to know its connections"
        )
    found = pools(under_load)
    evidence.value("connections by process", {who: [p.most, p.most_busy, p.busy_share] for who, p in found.items()})
    if found:
        shares = [pool.busy_share for pool in found.values()]
        evidence.measure("looks at which all connections were in use", shares, "ratio", limits["load.pool_busy"])


def _tables(stack: ComposeStack, campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    found = index_use(Database(stack), campaign.sample)
    others = {table: found.others[table].whole for table in found.others}
    evidence.value(
        "reads from end to end that no index serves: [all, by others, rows in the table]",
        {table: [each.whole, others.get(table, 0), each.rows] for table, each in found.seen.items() if each.whole},
    )
    for table, count in found.for_each_job.items():
        saying = f"{table} read from end to end, for each job"
        evidence.measure(saying, count, "scans", limits["load.scans_per_job"])
        saying = f"{table} read from end to end, a second while nobody comes"
        evidence.measure(saying, found.at_rest_per_s.get(table, 0.0), "scans/s", limits["load.scans_at_rest"])


def _memory(stack: ComposeStack, loads: Mapping[str, Seen], limits: dict[str, Limit], evidence: Evidence) -> None:
    containers = next(iter(loads.values())).vitals.containers
    shares = {found.service: _share(loads, found.name) for found in containers}
    known = {service: share for service, share in shares.items() if share is not None}
    evidence.observed(len(known), "containers with a memory limit, looked at every second")
    evidence.value("most memory, as a share of the limit", known)
    evidence.measure("memory, as a share of its limit", list(known.values()), "ratio", limits["load.memory_share"])
    later = [seen for name, seen in loads.items() if name != "crowd"]  # before that, programs come to their usual size
    for found in (c for role in _KEEP for c in stack.containers(role)):
        looks = [look for seen in later for look in seen.vitals.memory_by_effects(found)]
        evidence.series(f"memory by jobs done, {found.service}", "MiB", looks)
        kept = growth(looks)
        if kept is None:
            raise Unverified(f"{len(looks)} looks at {found.service} tell nothing of what it keeps of each job")
        evidence.value(f"memory kept of each job, {found.service}", kept.json())
        evidence.measure(
            f"memory that {found.service} keeps of each job, at least",
            kept.least,
            "MiB",
            limits["load.memory_per_job_mib"],
        )


def _share(loads: Mapping[str, Seen], name: str) -> float | None:
    every = [
        share
        for seen in loads.values()
        for found in seen.vitals.containers
        if found.name == name and (share := seen.vitals.memory_share(found)) is not None
    ]
    return max(every, default=None)


def _jobs(loads: Mapping[str, Seen]) -> int:
    return sum(seen.promised for seen in loads.values())


def _cpu_s(loads: Mapping[str, Seen]) -> float:
    return sum(seen.cpu_s for seen in loads.values())
