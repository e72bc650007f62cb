from collections.abc import Sequence
from statistics import median

from fixtures.campaign import FLOOD, USUAL, Campaign
from fixtures.histogram import p95
from fixtures.submission import Submission
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "load.isolation",
    title="A tenant that floods the system makes the others wait hardly longer, and nobody else is declined",
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
def test_isolation(campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    result = campaign.surge().timely.result
    own, other = campaign.tenants
    before, during = result.of(USUAL, own), result.of(FLOOD, own)
    calm = [job.total for job in before if job.total is not None]
    flooded = [job.total for job in during if job.total is not None]

    evidence.observed(len(calm) + len(flooded), "jobs of the tenant that comes as usual")
    evidence.value("jobs a second", {"as usual": campaign.usual_per_s, "flood": campaign.flood_per_s})
    evidence.value("jobs of the flood", {"came": len(result.of(FLOOD, other)), "most waiting": result.most_waiting})
    declined = [job.status for job in during if job.id is None]
    assert not declined, (
        f"{len(declined)} of {len(during)} jobs of a tenant that came as usual were not taken: {declined[:5]}"
    )
    missing = len(during) - len(flooded)
    assert not missing, f"{missing} of {len(during)} jobs of a tenant that came as usual were never done"
    evidence.measure("job as usual", calm, "s")
    evidence.measure("job beside a flood", flooded, "s")
    evidence.value(
        "of that, half of them took, in seconds", {"as usual": _parts(before), "beside a flood": _parts(during)}
    )
    slower = p95("jobs of others", flooded) / p95("jobs of others", calm)
    evidence.measure("slow jobs (p95) beside a flood, as a multiple", slower, "times", limits["load.isolation"])


def _parts(jobs: Sequence[Submission]) -> dict[str, float]:
    """Where a job's time went, in the middle of all: until it was promised, until it was in hands, and in them."""
    parts: dict[str, list[float]] = {"promise": [], "wait": [], "work": []}
    for job in jobs:
        total, promised, worked = job.total, job.seconds, job.processing
        if total is not None and promised is not None and worked is not None:
            for name, seconds in zip(parts, (total - promised, promised - worked, worked), strict=True):
                parts[name].append(seconds)
    return {name: median(found) for name, found in parts.items() if found}
