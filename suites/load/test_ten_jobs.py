from statistics import mean

from fixtures.campaign import Campaign
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "load.ten-jobs",
    title="Ten jobs at a time are sustained: all done once, in workers' hands within the limit, no request failed",
    why="Twice the daily load comes on the last day of a month; it was tested once, and is to hold ever after.",
    fix="Look at which stage or resource the slow jobs waited for; check the workers' number and concurrency.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql"),
    minimum=20,
    broken_by=(
        Sabotage(
            id="workers-asleep-under-double-load",
            title="The workers are there and do nothing",
            fault=({"kind": "paused", "role": "worker"},),
            says="not every job succeeded",
        ),
    ),
)
def test_ten_jobs(campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    seen = campaign.crowd(2).timely
    result, normal = seen.result, int(limits["load.concurrent_jobs"].value)

    evidence.observed(len(result.seconds), "jobs that ended under twice the normal load")
    evidence.value("requests", {"sent": result.requests, "failed": result.failures, "errors": result.errors})
    evidence.value("load generator", {"cpu": result.generator_cpu, "lag_s": result.generator_lag_s})
    evidence.value("job ledger", seen.account.json())
    evidence.series("jobs ended", "jobs/s", [(second.t, second.ended) for second in result.buckets])
    evidence.measure("requests failed", result.error_ratio, "ratio", limits["load.error_ratio"])
    seen.account.demand_done()
    at_once = result.most_at_once_perhaps
    assert at_once >= normal, f"of {2 * normal} jobs at a time only {at_once} were worked on, the rest waited"
    evidence.measure("job, from promise to end", result.seconds, "s")
    evidence.measure("job, in a worker's hands", result.processing, "s")
    evidence.measure("average job, in a worker's hands", mean(result.processing), "s", limits["load.processing_s"])
