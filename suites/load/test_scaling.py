from fixtures.campaign import Campaign
from fixtures.more_workers import workers
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

NUMBERS = (2, 4)


@check(
    "load.scaling",
    title="Two workers do nearly twice the work of one, and four nearly four times as much",
    why="Another worker is what everybody reaches for on the day of a backlog; behind one lock it only waits as well.",
    fix="Look for what all workers share: a lock, a row that each updates, the connections, the processors.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql"),
    minimum=60,
    profiles=("soak",),
    broken_by=(
        Sabotage(
            id="workers-asleep-beside-each-other",
            title="The workers are there and do nothing",
            fault=({"kind": "paused", "role": "worker"},),
            says="no job ended",
        ),
    ),
)
def test_scaling(campaign: Campaign, stack: ComposeStack, limits: dict[str, Limit], evidence: Evidence) -> None:
    first, paces = campaign.capacity, {}
    for number in NUMBERS:
        with workers(stack, number) as there:
            seen = campaign.crowd(2, workers=number).timely
        evidence.observed(len(seen.result.seconds), f"jobs that ended with {number} workers")
        evidence.value(f"{len(there)} workers, jobs a second", seen.result.jobs_per_s)
        evidence.value(f"job ledger, {number} workers", seen.account.json())
        seen.account.demand_done()
        paces[number] = seen
    # One worker twice, and the better counts: the first load of a new system is slow, and all would look well beside it.
    again = campaign.crowd(2, again=1).timely
    alone = max(first, again.result.jobs_per_s)
    evidence.value("one worker, jobs a second", {"before": first, "afterwards": again.result.jobs_per_s})
    for number, seen in paces.items():
        said = f"{number} workers, as a share of so many times one"
        campaign.judge(evidence, said, seen.result.jobs_per_s / alone / number, limits["load.scaling"], seen)
