import os

from fixtures.campaign import Campaign, Seen
from fixtures.more_workers import workers
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

NUMBERS = (2, 4)
FULL = 0.85  # of the cores in the mean of a load: then there are moments in which everybody waits for one


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
    again = campaign.crowd(2, again=2).timely
    alone = max(first, again.result.jobs_per_s)
    evidence.value("one worker, jobs a second", {"before": first, "afterwards": again.result.jobs_per_s})
    for number, seen in paces.items():
        said = f"{number} workers, as a share of so many times one"
        share = seen.result.jobs_per_s / alone / number
        if share < limits["load.scaling"].value and (full := _full_machine(seen)):
            raise Unverified(f"{said}: {share:.2f}, but {full}: try it with longer jobs, or on a larger machine")
        campaign.judge(evidence, said, share, limits["load.scaling"], seen)


def _full_machine(seen: Seen) -> str:
    """Why more workers could not do more here, empty when there were processors left for them."""
    busy, cores = seen.vitals.busy_cores(seen.result.started, seen.result.finished), os.cpu_count() or 1
    return f"{busy:.1f} of the machine's {cores} cores were busy" if busy is not None and busy > FULL * cores else ""
