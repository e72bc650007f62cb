from fixtures import release
from fixtures.campaign import Campaign
from fixtures.comparison import compared
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

# As soon as the new release is there its workers have a fraction of a processor each.
_THROTTLED = "{command:deploy} && docker compose ps -q {services:worker} | xargs docker update --cpus 0.03"


@check(
    "load.regression",
    title="The candidate does jobs as fast as the release that runs today, beyond what that one differs from itself",
    why="One slow release a month is half the speed in a year, and no single one of them was over any fixed limit.",
    fix="Compare the stages' times of both releases; what is slower by a little in each of many places is a dependency.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql", "commands.deploy", "releases.candidate"),
    minimum=60,
    broken_by=(
        Sabotage(
            id="workers-of-the-candidate-throttled",
            title="A deployment that leaves the new workers a thirtieth of a processor",
            command=({"name": "deploy", "argv": ["sh", "-c", _THROTTLED]},),
            says="slower",
        ),
    ),
)
def test_regression(
    stack: ComposeStack,
    target: Target,
    campaign: Campaign,
    built_releases: None,  # noqa: ARG001
    previous_afterwards: None,  # noqa: ARG001
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    before, again = campaign.crowd().timely, campaign.crowd(again=True).timely
    candidate = target.releases["candidate"]
    evidence.event("deployment", f"release {candidate}")
    release.deploy(stack, candidate).check(f"deploying {candidate}")
    after = campaign.crowd(release=candidate).timely

    times = {"today's": before, "today's once more": again, "the candidate": after}
    for name, seen in times.items():
        evidence.observed(len(seen.result.processing), f"jobs of {name}")
        evidence.measure(f"job in a worker's hands, {name}", seen.result.processing, "s")
        evidence.value(
            name,
            {
                "jobs a second": seen.result.jobs_per_s,
                "CPU seconds for 1000 jobs": seen.vitals.cpu_s() / max(1, seen.entries) * 1000,
            },
        )
        seen.account.demand_done()
    found = compared(
        before.result.processing, again.result.processing, after.result.processing, limits["load.regression"].value
    )
    evidence.value("comparison", found.json())
    regressed = found.answer == "regressed"
    assert not regressed, (
        f"{candidate} is slower: its jobs take {found.ratio:.2f} times as long in workers' hands (p {found.p_regressed:.1e} for"
        f" more than {found.tolerance:.0%}, Cliff's delta {found.delta:.2f})"
    )
    if found.answer == "cannot tell":
        raise Unverified(
            f"{found.samples} jobs cannot tell whether {candidate} is more than {found.tolerance:.0%} slower "
            f"({found.ratio:.2f} times as long so far): it would take {found.needed} of each"
        )
