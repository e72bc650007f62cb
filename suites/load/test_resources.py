from fixtures.campaign import Campaign
from fixtures.stack import ComposeStack
from fixtures.vitals import Vitals
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

# Takes every table for itself for longer than anybody may wait.
_LOCK = """
while :; do
  psql --quiet --username {database:user} --dbname {database:name} --command "SET lock_timeout = '1s';
    DO \\$\\$ DECLARE name text; BEGIN FOR name IN SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables LOOP
    EXECUTE 'LOCK TABLE ' || name || ' IN ACCESS EXCLUSIVE MODE'; END LOOP; PERFORM pg_sleep(4); END \\$\\$" || :
  sleep 8
done
"""


@check(
    "load.resources",
    title="Under every load all containers stay within their limits, none restarts, and nobody waits long for a lock",
    why="What is killed for want of memory under load is killed on the busiest day; a lock that all wait for is an outage.",
    fix="Give the container that memory or find the leak; look in the database's log for who held the lock.",
    needs=("api", "worker", "database.sql", "job", "job.running", "database.effects_sql"),
    minimum=4,
    broken_by=(
        Sabotage(
            id="tables-locked-for-four-seconds",
            title="Now and then something locks all tables for four seconds",
            exec=({"role": "database", "command": ["sh", "-c", _LOCK], "detach": True},),
            says="waited for a lock",
        ),
    ),
)
def test_resources(stack: ComposeStack, campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    loads = {"crowd": campaign.crowd(), "twice the crowd": campaign.crowd(2), "on schedule": campaign.surge()}
    jobs = sum(seen.entries for seen in loads.values())
    shares: dict[str, float] = {}
    waits = [wait for seen in loads.values() for _, wait in seen.vitals.waits]
    scanned: dict[str, int] = {}

    for name, seen in loads.items():
        unwell = seen.vitals.unwell()
        assert not unwell, f"under load ({name}): {'; '.join(unwell)}"
        for found in seen.vitals.containers:
            share = seen.vitals.memory_share(found)
            if share is not None:
                shares[found.service] = max(share, shares.get(found.service, 0))
        for table, count in seen.scans.items():
            scanned[table] = scanned.get(table, 0) + count.rows_read
    evidence.observed(len(shares), "containers with a memory limit, looked at every second")
    evidence.value("most memory, as a share of the limit", shares)
    evidence.value("processors, as a share of the limit", _busiest(loads["on schedule"].vitals))
    evidence.value("rows read from end to end, by table", {t: n for t, n in scanned.items() if n})
    evidence.value("CPU seconds for 1000 jobs", sum(s.vitals.cpu_s() for s in loads.values()) / max(1, jobs) * 1000)
    for found in stack.containers():
        series = [(look.t, look.memory_mib) for look in loads["on schedule"].vitals.looks.get(found.name, [])]
        evidence.series(f"memory, {found.service}", "MiB", series)
    if not waits:
        raise Unverified("the database could not be asked once who waits for a lock")
    evidence.measure("longest that a statement waited for a lock", max(waits), "s", limits["load.lock_wait_s"])
    evidence.measure("memory, as a share of its limit", list(shares.values()), "ratio", limits["load.memory_share"])


def _busiest(vitals: Vitals) -> dict[str, float | None]:
    return {found.service: vitals.cpu_share(found) for found in vitals.containers}
