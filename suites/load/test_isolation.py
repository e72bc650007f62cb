from collections.abc import Sequence
from statistics import median

from fixtures.campaign import FLOOD, USUAL, Campaign
from fixtures.histogram import p95
from fixtures.submission import Submission
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage

SAME_LINE = 0.5  # of the time that the flood's own jobs take: in one line all take the same


@check(
    "load.isolation",
    title="A tenant that floods the system does not put the others behind its own jobs, and nobody else is declined",
    why="One customer's migration script on a Friday evening is every customer's outage where all share one queue in order.",
    fix="Take jobs of tenants in turn, and bound what one tenant may have waiting.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql", "load.refused", "access.other_tenant"),
    minimum=40,
    broken_by=(
        Sabotage(
            id="workers-asleep-under-flood",
            title="The workers are there and do nothing",
            fault=({"kind": "paused", "role": "worker"},),
            says="no job ended",
        ),
    ),
)
def test_isolation(campaign: Campaign, evidence: Evidence) -> None:
    seen = campaign.surge().timely
    result, flood = seen.result, seen.result.phase(FLOOD)
    own, other = campaign.tenants
    before, during = result.of(USUAL, own), result.of(FLOOD, own)
    calm = [job.total for job in before if job.total is not None]
    flooded = [job.total for job in during if job.total is not None]

    evidence.observed(len(calm) + len(flooded), "jobs of the tenant that comes as usual")
    evidence.value("jobs a second", {"as usual": campaign.usual_per_s, "flood": campaign.flood_per_s})
    evidence.value("jobs of the flood", {"came": len(result.of(FLOOD, other)), "most waiting": result.most_waiting})
    evidence.value(
        "of their time, half of them took, in seconds", {"as usual": _parts(before), "beside a flood": _parts(during)}
    )
    evidence.value("cores that others had of the machine", seen.vitals.others_cores(flood.began, flood.ended))
    theirs, its = ([job.seconds for job in jobs if job.seconds] for jobs in (during, result.of(FLOOD, other)))
    assert theirs, "beside a flood no job of another tenant ended"
    assert its, "of the flood no job ended"
    line = median(theirs) / median(its)
    evidence.value("from promise to end, as a share of what the flood's own jobs take", line)
    # However slow the machine is: who stands in the line of the flood takes as long as the flood.
    assert line < SAME_LINE, (
        f"a job beside a flood takes {line:.0%} of what those of the flood take: they share one line"
    )
    missing = [job.status for job in during if job.total is None]
    said = f"{len(missing)} of {len(during)} jobs beside a flood were not done, answered {sorted(set(missing))}"
    if missing and (cause := campaign.excuse(seen, flood)):
        raise Unverified(f"{said}, but {cause}")
    assert not missing, said
    evidence.measure("job as usual", calm, "s")
    evidence.measure("job beside a flood", flooded, "s")
    slower = p95("jobs beside a flood", flooded) / p95("jobs as usual", calm)
    # Without a limit: the flood is also five times the work for whoever shares the machine, and that is not a place in line.
    evidence.measure("slow jobs (p95) beside a flood, as a multiple", slower, "times")


def _parts(jobs: Sequence[Submission]) -> dict[str, float]:
    """Where a job's time went, in the middle of all: until it was promised, until it was in hands, and in them."""
    parts: dict[str, list[float]] = {"promise": [], "wait": [], "work": []}
    for job in jobs:
        total, promised, worked = job.total, job.seconds, job.processing
        if total is not None and promised is not None and worked is not None:
            for name, seconds in zip(parts, (total - promised, promised - worked, worked), strict=True):
                parts[name].append(seconds)
    return {name: median(found) for name, found in parts.items() if found}
