from fixtures.campaign import Campaign
from fixtures.load_result import LAG
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "load.generator",
    title="The generator of every load had a processor to itself, did all that was due, and hardly anything of it late",
    why="A generator that is busy or late reports its own queue as the system's, by a factor of ten to sixty.",
    fix="Give the gate's machine less other work or another core; more load than one generator makes takes several.",
    needs=("api", "worker", "job", "job.running"),
    minimum=1000,
    broken_by=(
        Sabotage(
            id="generator-starved",
            title="The load generator does something else for most of each second",
            expects=("load.generator", "load.ten-jobs"),
            generator="starved",
            says="the load generator itself was",
        ),
    ),
)
def test_generator(campaign: Campaign, evidence: Evidence) -> None:
    loads = {
        "crowd": campaign.crowd(),
        "twice the crowd": campaign.crowd(2),
        "on schedule": campaign.surge(),
        "spike": campaign.spike(),
    }
    for name, seen in loads.items():
        result = seen.result
        moments = result.times[LAG].count if LAG in result.times else 0
        evidence.observed(moments, f"moments at which the generator was due ({name})")
        cpu, late = result.generator_cpu, result.generator_lag_s
        evidence.value(f"generator, {name}", {"cores in the busiest second": cpu, "late, in seconds": late})
        evidence.series(f"generator, {name}", "cores", [(second.t, second.cpu) for second in result.buckets])
    due = {"on schedule": sum(part.jobs for part in campaign.parts()), "spike": campaign.spike_jobs}
    came = {name: len(loads[name].result.jobs) for name in due}
    evidence.value("jobs that were due, and that came", {"due": due, "came": came})
    voids = [f"{name}: {seen.void}" for name, seen in loads.items() if seen.void]
    if voids:
        raise Unverified("; ".join(voids))
    if came != due:
        raise Unverified(f"the load generator itself was not complete: of {due} jobs that were due {came} came")
