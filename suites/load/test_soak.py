from collections.abc import Iterator, Sequence
from statistics import median

from fixtures.campaign import SOAK, Campaign, Seen
from fixtures.load_result import Phase
from fixtures.trend import trend
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

Points = Sequence[tuple[float, float]]
WHOLE = 0.95  # of the soak must have been looked at
QUARTERS = 4
MORE_CORES = 0.25  # that others have later than at first: then slower answers are theirs
SHORTEST_S = 0.05  # a fifth of less is nothing that anybody waits for
# A MiB every other second in a container of the system, as something does that keeps what it is given.
_GROWS = "a=; while sleep 2; do a=$a$(head -c 1048576 /dev/zero | tr '\\0' x); done"


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
            id="memory-of-an-api-grows",
            title="Something in the API's container takes a MiB every two seconds and gives none back",
            exec=({"role": "api", "command": ["sh", "-c", _GROWS], "detach": True},),
            says="keeps of each job grew",
        ),
        Sabotage(
            id="workers-asleep-in-a-soak",
            title="The workers are there and do nothing",
            fault=({"kind": "paused", "role": "worker"},),
            says="no job ended",
        ),
    ),
)
def test_soak(campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    seen = campaign.soak()
    phase, jobs = seen.result.phase(SOAK), seen.result.of(SOAK)
    evidence.observed(sum(job.total is not None for job in jobs), "jobs of the soak that ended")
    evidence.value("job ledger", seen.account.json())
    evidence.value("errors", seen.result.errors)
    unwell = seen.vitals.unwell()
    assert not unwell, "; ".join(unwell)
    missing = [job.status for job in jobs if job.id is None]
    assert not missing, f"{len(missing)} of {len(jobs)} jobs were not taken, answered {sorted(set(missing))}"
    seen.account.demand_no_harm()  # some think again and cancel
    assert not seen.account.failed, f"good documents whose jobs failed: {seen.account}"
    assert not seen.account.pending, f"promised and never done: {seen.account}"
    campaign.judge(evidence, "requests failed", seen.result.error_ratio, limits["load.error_ratio"], seen, phase)
    _demand_no_drift(campaign, seen, limits, evidence)


def _demand_no_drift(campaign: Campaign, seen: Seen, limits: dict[str, Limit], evidence: Evidence) -> None:
    phase = seen.result.phase(SOAK)
    slow_machine = _excuse(campaign, seen, phase)
    worse: list[str] = []
    unclear: list[str] = []
    for what, points, factor, limit in _quantities(seen, limits):
        evidence.series(what, "", points)
        try:
            found = trend(_whole(points, phase)).times(factor)
        except Unverified as why:
            unclear.append(f"{what}: {why}")
            continue
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


def _whole(points: Points, phase: Phase) -> Points:
    """The points of the soak. Raises Unverified when it was not looked at as a whole, or there was nothing to be seen."""
    of_it = [(t, value) for t, value in points if phase.began <= t <= phase.ended]
    if not of_it or of_it[-1][0] - of_it[0][0] < WHOLE * phase.seconds:
        raise Unverified("was not looked at from the beginning to the end")
    if not any(value for _, value in of_it):
        raise Unverified("nothing else than 0 was seen")
    return of_it


def _excuse(campaign: Campaign, seen: Seen, phase: Phase) -> str:
    """Why slower answers at the end may be the machine's: it was busy in a part of the time, or busier than at first."""
    length = phase.seconds / QUARTERS
    starts = [phase.began + number * length for number in range(QUARTERS)]
    quarters = [Phase(f"quarter {number}", start, start + length) for number, start in enumerate(starts, 1)]
    causes = [f"{quarter.name}: {cause}" for quarter in quarters if (cause := campaign.excuse(seen, quarter))]
    if causes:
        return causes[0]
    first, *later = [seen.vitals.others_cores(quarter.began, quarter.ended) or 0.0 for quarter in quarters]
    return (
        f"others had {first:.1f} cores at first and {max(later):.1f} later" if max(later) > first + MORE_CORES else ""
    )


def _quantities(seen: Seen, limits: dict[str, Limit]) -> Iterator[tuple[str, Points, float, Limit]]:
    """What may drift: its name, its values by time, and what makes the drift of the soak comparable to the limit."""
    vitals, jobs = seen.vitals, seen.result.of(SOAK)
    per_thousand = 1000 / max(1, len(jobs))
    for name, looks in vitals.looks.items():
        memory = [(look.t, look.own_mib) for look in looks]
        yield f"what {name} keeps of each job", memory, per_thousand, limits["load.memory_growth"]
    yield "connections", vitals.connections, per_thousand, limits["load.connection_growth"]
    took = sorted((job.due or job.submitted, job.total) for job in jobs if job.total is not None)
    asked = [(float(second.t), second.p50_ms / 1000) for second in seen.result.buckets if second.requests]
    for what, points in (("jobs", took), ("requests", asked)):
        usual = median(value for _, value in points) if points else 1.0
        yield f"time of {what}", points, 1 / max(usual, SHORTEST_S), limits["load.slowing"]
