from fixtures.bottleneck import capacity
from fixtures.campaign import Campaign, Seen
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
    doubled, afterwards = campaign.doubled(), campaign.afterwards()
    double, again = doubled[-1], afterwards[-1]
    loads = {"normal": normal, **_named("twice", doubled), **_named("afterwards", afterwards)}

    for name, seen in loads.items():
        evidence.observed(len(seen.result.seconds), f"jobs that ended: {name}")
        evidence.measure(f"jobs a second, {name}", seen.result.jobs_per_s, "jobs/s")
        evidence.measure(f"CPU seconds for 1000 jobs, {name}", seen.cpu_s_for_1000, "s")
        ended = len(seen.result.processing)
        assert ended, f"under the load {name!r} no job ended"
        for what, times in seen.times.items():
            evidence.measure(f"{what}, {name}", times, "s")
        evidence.measure(f"requests failed, {name}", seen.result.error_ratio, "ratio", limits["load.error_ratio"])
    answer = capacity(normal.result, double.result, double.vitals, double.cpu_s_for_1000)
    evidence.value("capacity", answer)
    for seen in loads.values():
        seen.account.demand_done()
    for name, seen in (("under twice the load", double), ("afterwards", again)):
        slower, kept = seen.against(normal)
        campaign.judge(evidence, f"slow jobs (p95) {name}, as a multiple", slower, limits["load.degradation"], seen)
        campaign.judge(evidence, f"pace {name}, as a share of before", kept, limits["load.kept_pace"], seen)


def _named(name: str, looks: tuple[Seen, ...]) -> dict[str, Seen]:
    """The last look, which counts, by its name, and the one before it where there is one."""
    return {name: looks[-1], **{f"{name}, look {number}": seen for number, seen in enumerate(looks[:-1], 1)}}
