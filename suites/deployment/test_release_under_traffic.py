import pytest

from fixtures.attempt import Attempts
from fixtures.steady import SteadyState
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

SWALLOWED = {"name": "deploy", "argv": ["sh", "-c", "{command:deploy} || true"]}


@check(
    "deployment.erroring-release",
    title="A release that is ready but fails users' requests is found, and rolled back by itself",
    why="Health checks ask whether a process can serve; only users' requests show that it does not.",
    fix="Watch the error rate of the new release under traffic, with a minimum of samples, and go back by yourself.",
    needs=("api", "worker", "job", "commands.deploy", "bad_releases.erroring", "releases.previous"),
    minimum=50,
    broken_by=(
        Sabotage(
            id="erroring-release-exits-zero",
            title="A deployment whose failure is swallowed",
            says="ended with 0",
            command=(SWALLOWED,),
        ),
    ),
)
@pytest.mark.usefixtures("previous_afterwards")
def test_erroring_release(
    attempts: Attempts, steady_state: SteadyState, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    for bad in target.bad_releases["erroring"] + target.bad_releases.get("erroring_rarely", ()):
        attempt = attempts.of(bad)
        attempt.record(evidence)
        evidence.measure(f"requests failed for, {bad}", attempt.errors_s, "s", limits["deployment.errors_s"])
        attempt.demand_refused(errors=limits["deployment.errors_s"])
        steady_state.reached(target.job.timeout_s, f"steady state after the refused release {bad}")


@check(
    "deployment.slow-release",
    title="A release that is ready but many times slower is found, and not left live",
    why="A release that answers everything, ten times slower, passes every health check and loses the users.",
    fix="Compare the new release's latency with the old one's at the same moment, and go back by yourself.",
    needs=("api", "worker", "job", "commands.deploy", "bad_releases.slow", "releases.previous"),
    minimum=50,
    broken_by=(
        Sabotage(
            id="slow-release-exits-zero",
            title="A deployment whose failure is swallowed",
            says="ended with 0",
            command=(SWALLOWED,),
        ),
    ),
)
@pytest.mark.usefixtures("previous_afterwards")
def test_slow_release(
    attempts: Attempts, steady_state: SteadyState, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    for bad in target.bad_releases["slow"]:
        attempt = attempts.of(bad)
        attempt.record(evidence)
        # Found in the bake and not before, it may have kept users waiting until they gave up.
        attempt.demand_refused(errors=limits["deployment.errors_s"])
        steady_state.reached(target.job.timeout_s, f"steady state after the refused release {bad}")
