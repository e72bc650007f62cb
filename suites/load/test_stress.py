from fixtures.bottleneck import capacity
from fixtures.campaign import Campaign
from fixtures.load_result import p95
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "load.stress",
    title="Twice the normal load is done at the same pace, jobs are hardly slower in workers' hands, and nothing stays behind",
    why="A system that works less the more it is asked is lost on the first busy day, and stays so when the day is over.",
    fix="Find what more work at once contends for: connections, locks, processors; give workers fewer jobs at a time.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql"),
    minimum=60,
    broken_by=(
        Sabotage(
            id="workers-asleep-under-stress",
            title="The workers are there and do nothing",
            fault=({"kind": "paused", "role": "worker"},),
            says="no job ended",
        ),
    ),
)
def test_stress(campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    normal = campaign.crowd().timely
    ended = len(normal.result.processing)
    assert ended, "under normal load no job ended"
    double, again = campaign.crowd(2).timely, campaign.crowd(again=True).timely
    loads = {"normal": normal, "twice": double, "afterwards": again}

    for name, seen in loads.items():
        evidence.observed(len(seen.result.seconds), f"jobs that ended: {name}")
        evidence.value(f"jobs a second, {name}", seen.result.jobs_per_s)
        evidence.value(f"CPU seconds for 1000 jobs, {name}", _per_thousand(seen.vitals.cpu_s(), seen.entries))
        ended = len(seen.result.processing)
        assert ended, f"under the load {name!r} no job ended"
        evidence.measure(f"job in a worker's hands, {name}", seen.result.processing, "s")
        evidence.measure(f"requests failed, {name}", seen.result.error_ratio, "ratio", limits["load.error_ratio"])
    answer = capacity(normal.result, double.result, double.vitals, double.vitals.cpu_s())
    evidence.value("capacity", answer)
    for seen in loads.values():
        seen.account.demand_done()
    before = p95(normal.result.processing)
    slower = p95(double.result.processing) / before
    evidence.measure("slow jobs (p95) under twice the load, as a multiple", slower, "times", limits["load.degradation"])
    afterwards = p95(again.result.processing) / before
    evidence.measure("slow jobs (p95) afterwards, as a multiple", afterwards, "times", limits["load.degradation"])
    pace = double.result.jobs_per_s / normal.result.jobs_per_s
    evidence.measure("pace under twice the load, as a share of before", pace, "ratio", limits["load.kept_pace"])
    left = again.result.jobs_per_s / normal.result.jobs_per_s
    evidence.measure("pace afterwards, as a share of before", left, "ratio", limits["load.kept_pace"])


def _per_thousand(cpu_s: float, jobs: int) -> float | None:
    return cpu_s / jobs * 1000 if jobs else None
