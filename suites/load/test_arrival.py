from fixtures.campaign import USUAL, Campaign
from fixtures.histogram import p95
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

# Takes every table for itself for a moment, again and again: whoever comes meanwhile waits. With real jobs every half minute;
# where jobs are quick a load does not last that long.
_STALL = """
while :; do
  psql --quiet --username {database:user} --dbname {database:name} --command "SET lock_timeout = '1s';
    DO \\$\\$ DECLARE name text; BEGIN FOR name IN SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables LOOP
    EXECUTE 'LOCK TABLE ' || name || ' IN ACCESS EXCLUSIVE MODE'; END LOOP; PERFORM pg_sleep(2); END \\$\\$" || :
  sleep 8
done
"""


@check(
    "load.arrival",
    title="Users who come when they like, with documents of all sizes, looks and mistakes, are served within the limits",
    why="A crowd that waits for its answers hides every stall: it sends nothing meanwhile. Users do not wait for each other.",
    fix="Look at what the slow requests of one moment have in common: a lock, a pause, a pool that was empty.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql"),
    minimum=1000,
    broken_by=(
        Sabotage(
            id="tables-locked-for-two-seconds",
            title="Every few seconds something locks all tables for two seconds",
            exec=({"role": "database", "command": ["sh", "-c", _STALL], "detach": True},),
            says="looks",
        ),
    ),
)
def test_arrival(campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    *slow_at_first, seen = campaign.usual()
    result, span = seen.result, seen.result.phase(USUAL)
    own, _ = campaign.tenants
    looks, submissions = result.took("look due", USUAL, [own]), result.took("submit due", USUAL, [own])
    jobs = [job.total for job in result.of(USUAL, own) if job.total is not None]
    within = [second for second in result.buckets if span.began <= second.t < span.ended]

    evidence.observed(looks.count + submissions.count, "requests on schedule")
    evidence.value("looks, from when they were due", looks.said())
    for first in slow_at_first:
        evidence.value("looks at first, beside others", first.result.took("look due", USUAL, [own]).said())
    evidence.value("looks, as a crowd that waits for its answers sees them", campaign.crowd(2).result.asked.said())
    evidence.value("submissions, from when they were due", submissions.said())
    evidence.value("jobs a second", {"usual": campaign.usual_per_s, "capacity": campaign.capacity})
    evidence.value("load generator", {"cpu": result.generator_cpu, "lag_s": result.generator_lag_s})
    evidence.value("cores that others had of the machine", seen.vitals.others_cores(span.began, span.ended))
    evidence.value("errors", result.errors)
    evidence.series("requests", "requests/s", [(second.t, second.requests) for second in result.buckets])
    evidence.series("slow requests (p95)", "ms", [(second.t, second.p95_ms) for second in result.buckets])
    ended = len(jobs)
    assert ended, "no job of the usual load ended"
    for saying, value, limit in (
        ("looks, p95", looks.percentile(95), limits["load.request_p95_s"]),
        ("looks, p99", looks.percentile(99), limits["load.request_p99_s"]),
        ("submissions, p95", submissions.percentile(95), limits["load.request_p95_s"]),
    ):
        campaign.judge(evidence, saying, value, limit, seen, span)
    evidence.measure("job, from when it was due to the end", jobs, "s")
    failed = sum(second.failures for second in within) / max(1, sum(second.requests for second in within))
    evidence.measure("requests failed under usual load", failed, "ratio", limits["load.error_ratio"])
    slow = p95("jobs of the usual load", jobs)
    evidence.measure("job, from when it was due to the end, p95", slow, "s", limits["load.job_p95_s"])
