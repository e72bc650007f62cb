from collections.abc import Iterator

from fixtures.baseline import MAKE, Baseline
from fixtures.campaign import IN_HANDS, Campaign
from fixtures.comparison import compared
from fixtures.load_result import POLL_S
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.noise import FEWEST_RUNS, of_runs

# A fraction of a processor: the same work, longer.
_THROTTLED = "docker compose ps -q {services:worker} | xargs docker update --cpus 0.04"
_MADE = "load.stress"


@check(
    "load.regression",
    title="Jobs and each of their stages take no longer than in an earlier run, beyond what that release differs from itself",
    why="One slow release a month is half the speed in a year, and no single one of them was over any fixed limit.",
    fix="Compare the stages' times of both releases; what is slower by a little in each of many places is a dependency.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql", "load.baseline"),
    minimum=40,
    broken_by=(
        Sabotage(
            id="workers-throttled",
            title="The workers have a twenty-fifth of a processor",
            exec=({"command": ["sh", "-c", _THROTTLED]},),
            says="slower",
        ),
    ),
)
def test_regression(campaign: Campaign, baseline: Baseline, limits: dict[str, Limit], evidence: Evidence) -> None:
    loads = {"normal": campaign.crowd().timely, "afterwards": campaign.afterwards()[-1]}
    evidence.value("held against", baseline.releases)
    slower, open_ = [], []
    for what in loads["normal"].times:
        before = [list(m.samples) for load in loads for m in baseline.measured(_MADE, f"{what}, {load}")]
        now = [list(seen.times.get(what, ())) for seen in loads.values()]
        assert all(now), f"under load no job ended, so none has a time of {what!r}"
        if not before and what == IN_HANDS:
            raise Unverified(f"the earlier runs have no jobs' times under load: {MAKE}")
        if not before:
            evidence.value(what, "not in the earlier runs")
            continue
        resolution_s = 2 * POLL_S if what == IN_HANDS else 0
        found = compared(before, now, limits["load.regression"].value, resolution_s)
        evidence.observed(sum(map(len, now)), f"times of {what}")
        evidence.value(what, found.json())
        said = (
            f"{what} takes {found.ratio:.2f} times as long (Cliff's delta {found.delta:.2f}, noise {found.noise:.0%})"
        )
        if found.certain == "worse":
            slower.append(said)
        elif found.certain == "cannot tell":
            open_.append(f"{said}: {found.samples} samples do not tell, {found.needed or 'no number of'} of each would")
    slower += _runs(campaign, baseline, evidence)
    assert not slower, f"slower than in {[run.id for run in baseline.runs]}: {'; '.join(slower)}"
    if open_:
        raise Unverified("; ".join(open_))


def _runs(campaign: Campaign, baseline: Baseline, evidence: Evidence) -> Iterator[str]:
    """Pace and cost are one number a run, so it takes some runs to know what is usual: below that they are shown only."""
    normal = campaign.crowd()
    for what, now, higher_is_worse in (
        ("jobs a second, normal", normal.result.jobs_per_s, False),
        ("CPU seconds for 1000 jobs, normal", normal.cpu_s_for_1000, True),
    ):
        before = [each.typical for each in baseline.measured(_MADE, what)]
        if not before:
            continue
        shift, usual = of_runs(before, now), sum(before) / len(before)
        certain, _ = shift.judged(usual, higher_is_worse=higher_is_worse)
        enough = len(before) >= FEWEST_RUNS
        evidence.value(
            what, {"before": before, "now": now, "certain": certain if enough else f"takes {FEWEST_RUNS} runs"}
        )
        if certain == "worse":
            yield f"{what}: {now:.3g}, and {usual:.3g} before"
