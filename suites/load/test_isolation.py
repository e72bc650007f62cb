from collections.abc import Sequence

from fixtures.campaign import FLOOD, USUAL, Campaign
from gate.check import Unverified, check
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
    slower = _p95(flooded) / _p95(calm)
    evidence.measure("slow jobs (p95) beside a flood, as a multiple", slower, "times", limits["load.isolation"])


def _p95(samples: Sequence[float]) -> float:
    if len(samples) < 20:
        raise Unverified(f"a p95 of {len(samples)} jobs would be luck: it takes 20")
    return sorted(samples)[round(len(samples) * 0.95) - 1]
