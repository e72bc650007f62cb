from fixtures.campaign import SPIKE, Campaign
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "load.spike",
    title="Many times the normal jobs within a second are all taken, and worked off as fast as any other work",
    why="At nine o'clock everybody comes at once: what is declined then is called in, and what lies about is asked for again.",
    fix="Give the queue room for a spike; look for what is done once for each waiting job: polling, locks, retries.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql"),
    minimum=10,
    broken_by=(
        Sabotage(
            id="workers-asleep-in-a-spike",
            title="The workers are there and do nothing",
            fault=({"kind": "paused", "role": "worker"},),
            says="no job ended",
        ),
    ),
)
def test_spike(campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    seen = campaign.spike().timely
    result, came = seen.result, seen.result.of(SPIKE)
    ideal_s = len(came) / campaign.capacity

    evidence.observed(len(came), "jobs submitted within a second")
    evidence.value("errors", result.errors)
    evidence.value("most jobs waiting", result.most_waiting)
    evidence.value("job ledger", seen.account.json())
    evidence.series("ended", "jobs/s", [(second.t, second.ended) for second in result.buckets])
    missing = [job.status for job in came if job.id is None]
    assert not missing, (
        f"{len(missing)} of {len(came)} jobs of a spike were not taken, but answered {sorted(set(missing))}"
    )
    seen.account.demand_no_harm()  # some think again and cancel
    assert not seen.account.failed, f"good documents whose jobs failed: {seen.account}"
    ends = [job.finished for job in came if job.finished is not None]
    assert len(ends) == len(came), f"the end of {len(came) - len(ends)} of {len(came)} jobs of a spike was never told"
    evidence.measure("jobs of the spike, from when they were due", [job.total or 0.0 for job in came], "s")
    drained_s = max(ends) - result.phase(SPIKE).ended
    evidence.value("worked off, in seconds", {"at full pace": ideal_s, "seen": drained_s})
    spent = drained_s / ideal_s
    campaign.judge(evidence, "worked off, as a multiple of full pace", spent, limits["load.spike_drain"], seen)
