from statistics import mean

from fixtures.campaign import Campaign
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "load.five-jobs",
    title="Five jobs at a time are sustained: all done once, on average within the limit, no request failed",
    why="This is the load that users bring every day, and that the system was promised to carry.",
    fix="Look at which stage or resource the slow jobs waited for; check the workers' number and concurrency.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql"),
    minimum=20,
    broken_by=(
        Sabotage(
            id="workers-gone-under-load",
            title="No worker is there to do the jobs",
            fault=({"kind": "stopped", "role": "worker"},),
        ),
    ),
)
def test_five_jobs(
    campaign: Campaign,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    users = int(limits["load.concurrent_jobs"].value)
    crowd = campaign.crowd().timely
    seen, account = crowd.result, crowd.account

    evidence.observed(len(seen.seconds), "jobs that ended under load")
    evidence.value("requests", {"sent": seen.requests, "failed": seen.failures, "errors": seen.errors})
    evidence.value("load generator", {"cpu": seen.generator_cpu, "lag_s": seen.generator_lag_s})
    evidence.value("job ledger", account.json())
    evidence.series("jobs ended", "jobs/s", [(second.t, second.ended) for second in seen.buckets])
    evidence.measure("requests failed", seen.error_ratio, "ratio", limits["load.error_ratio"])
    account.demand_done()
    least, most = seen.most_at_once, seen.most_at_once_perhaps
    evidence.value("most jobs in workers' hands at once", {"for certain": least, "at most": most})
    assert most >= users, f"of {users} jobs at a time only {most} were worked on, the rest waited"
    evidence.measure("job, from promise to end", seen.seconds, "s")
    if least < users:
        raise Unverified(
            f"{least} to {most} jobs were in workers' hands at once, and polling cannot tell how many: "
            "make jobs longer in [profiles] env"
        )
    evidence.measure("average job, from promise to end", mean(seen.seconds), "s", limits["load.processing_s"])
