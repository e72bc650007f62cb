from collections.abc import Iterator, Sequence
from statistics import median

from fixtures.campaign import SOAK, Campaign, Seen
from fixtures.trend import trend
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

Points = Sequence[tuple[float, float]]


@check(
    "load.soak",
    title="After hours of usual load memory and connections are what they were at the beginning, and jobs are no slower",
    why="What is lost with each job is seen by no test of a minute: it is the restart that somebody does every Sunday.",
    fix="Look at which container grows and with what: caches without a bound, connections and files that nobody closes.",
    needs=("api", "worker", "database", "job", "job.running", "database.effects_sql"),
    minimum=50,
    profiles=("soak",),
    broken_by=(
        Sabotage(
            id="workers-asleep-in-a-soak",
            title="The workers are there and do nothing",
            fault=({"kind": "paused", "role": "worker"},),
            says="no job ended",
        ),
    ),
)
def test_soak(campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    seen = campaign.soak().timely
    jobs = seen.result.of(SOAK)
    evidence.observed(len(jobs), "jobs of the soak")
    evidence.value("job ledger", seen.account.json())
    evidence.value("errors", seen.result.errors)
    seen.account.demand_no_harm()  # some think again and cancel
    assert not seen.account.failed, f"good documents whose jobs failed: {seen.account}"
    slow_machine = campaign.excuse(seen, seen.result.phase(SOAK))
    worse: list[str] = []
    unclear: list[str] = []
    for what, points, factor, limit in _quantities(seen, limits):
        evidence.series(what, "", points)
        found = trend(points).times(factor)
        evidence.value(f"drift: {what}", {"at least": found.least, "likely": found.likely, "at most": found.most})
        said = f"{what} grew by {found.least:.3g} to {found.most:.3g} {limit.unit}, {limit.value:g} are allowed"
        within = found.within(limit)
        excused = bool(slow_machine) and limit.name == "load.slowing"
        if within is not True:
            (unclear if within is None or excused else worse).append(said)
    assert not worse, "; ".join(worse)
    if unclear:
        said = "; ".join([*unclear, *([slow_machine] if slow_machine else [])])
        raise Unverified(f"{said}: a longer soak on a quiet machine can tell (load.soak_s)")


def _quantities(seen: Seen, limits: dict[str, Limit]) -> Iterator[tuple[str, Points, float, Limit]]:
    """What may drift: its name, its values by time, and what makes the drift of the soak comparable to the limit."""
    vitals, jobs = seen.vitals, seen.result.of(SOAK)
    per_thousand = 1000 / max(1, len(jobs))
    for name, looks in vitals.looks.items():
        memory = [(look.t, look.own_mib) for look in looks]
        yield f"what {name} keeps of each job", memory, per_thousand, limits["load.memory_growth"]
    yield "connections", vitals.connections, per_thousand, limits["load.connection_growth"]
    took = [(job.due or job.submitted, job.total) for job in jobs if job.total is not None]
    asked = [(float(second.t), second.p50_ms) for second in seen.result.buckets if second.requests]
    for what, points in (("jobs", took), ("requests", asked)):
        usual = median(value for _, value in points) if points else 1.0
        yield f"time of {what}", points, 1 / usual, limits["load.slowing"]
