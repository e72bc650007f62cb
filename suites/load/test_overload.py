from fixtures.campaign import FLOOD, USUAL, Campaign
from fixtures.load_result import Phase
from fixtures.vitals import Vitals
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "load.overload",
    title="Five times what can be done is declined with a time to come back, the work goes on, and every promise is kept",
    why="A queue without a bound takes every job and does none in time: the overload of an hour is the outage of a day.",
    fix="Bound the queue; decline beyond it with 429 or 503 and Retry-After, before anything expensive is done.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql", "load.refused"),
    minimum=50,
    broken_by=(
        Sabotage(
            id="workers-asleep-under-overload",
            title="The workers are there and do nothing",
            fault=({"kind": "paused", "role": "worker"},),
            says="no job ended",
        ),
    ),
)
def test_overload(campaign: Campaign, limits: dict[str, Limit], evidence: Evidence) -> None:
    seen = campaign.surge().timely
    result, flood = seen.result, seen.result.phase(FLOOD)
    came = result.of(FLOOD)
    declined = [job for job in came if job.id is None and job.status in campaign.declined]
    last_third = [job for job in came if (job.due or 0) >= flood.ended - flood.seconds / 3]
    taken_per_s = sum(job.id is not None for job in last_third) / (flood.seconds / 3)

    evidence.observed(len(came), "submissions in the flood")
    evidence.value(
        "submissions in the flood",
        {"came": len(came), "declined": len(declined), "taken": sum(job.id is not None for job in came)},
    )
    evidence.value("jobs a second", {"capacity": campaign.capacity, "flood": campaign.flood_per_s})
    evidence.value("most jobs waiting", result.most_waiting)
    evidence.value("errors", result.errors)
    evidence.series("submitted", "jobs/s", [(second.t, second.submitted) for second in result.buckets])
    evidence.series("declined", "jobs/s", [(second.t, second.refused) for second in result.buckets])
    evidence.series("ended", "jobs/s", [(second.t, second.ended) for second in result.buckets])
    assert declined, f"of {len(came)} submissions none was declined: the queue has no bound that was reached"
    silent = [job.status for job in declined if job.retry_after is None]
    assert not silent, f"{len(silent)} of {len(declined)} were declined without Retry-After, with {sorted(set(silent))}"
    done_per_s = _done_per_s(seen.vitals, flood)
    # Of what the flood saw done, where that is more: the load that capacity was taken from was the system's first.
    taken = taken_per_s / max(campaign.capacity, done_per_s)
    said = "taken in at the end of the flood, as a multiple of what is done"
    campaign.judge(evidence, said, taken, limits["load.admission"], seen, flood)
    done = done_per_s / campaign.capacity
    campaign.judge(evidence, "done in the flood, as a share of capacity", done, limits["load.goodput"], seen, flood)
    evidence.value("done under usual load, jobs a second", _done_per_s(seen.vitals, result.phase(USUAL)))
    ends = [job.finished for job in came if job.finished is not None]
    assert ends, "no job of the flood ended"
    evidence.measure("all done, after the flood", max(ends) - flood.ended, "s", limits["load.recovery_s"])
    assert not seen.account.pending, f"promised in the flood and never done: {seen.account}"


def _done_per_s(vitals: Vitals, phase: Phase) -> float:
    found = vitals.effects_between(phase.began, phase.ended)
    if found is None:
        raise Unverified("the database could not be asked how many jobs were done")
    return found / phase.seconds
