import pytest

from fixtures import faults, health
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from fixtures.well import check_of
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

ALONE_S = 20


@check(
    "deployment.health-check",
    title="Every service has a health check that can fail, and the API stops saying that it can serve while the database hangs",
    why="A check that always succeeds sends users to a service that does nothing, and tells a deployment that all went well.",
    fix="Give the service a `healthcheck` that asks it to do something; let the API's readiness ask the database.",
    needs=("api", "worker", "database", "faults"),
    standards=("C19", "CIS Docker 4.6", "CIS Docker 5.27"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="health-check-that-is-true",
            title="A worker whose health check is `true`",
            says="where nothing runs",
            compose={"services": {"{worker}": {"healthcheck": {"test": ["CMD", "true"]}}}},
        ),
        Sabotage(
            id="health-check-switched-off",
            title="An API whose health check is switched off",
            says="no health check",
            compose={"services": {"{api}": {"healthcheck": {"disable": True}}}},
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_health_check(stack: ComposeStack, limits: dict[str, Limit], evidence: Evidence) -> None:
    limit = limits["deployment.unready_s"]
    containers = [c for c in stack.containers() if c.role != "one_shot"]
    evidence.value("health checks", {c.service: list(check_of(c)) for c in containers})
    evidence.observed(len(containers), "containers")
    lacking = health.without(containers)
    alone = health.healthy_alone(stack, containers, ALONE_S)
    evidence.value("exit status where nothing else runs", alone)
    evidence.observed(len(alone), "health checks, run where nothing else runs")
    empty = sorted(service for service, status in alone.items() if status == 0)
    assert not lacking, f"no health check, or one that is switched off: {', '.join(lacking)}"
    assert not empty, f"says that it is healthy where nothing runs that could be: {', '.join(empty)}"

    if not health.serves(stack):
        raise Unverified("the API did not say that it can serve before the database was made to hang")
    with faults.all_paused(stack, stack.containers("database")):
        evidence.event("fault", "the database hangs")
        try:
            seconds = until(lambda: not health.serves(stack), limit.value, "the API says that it cannot serve")
        except NotReached as error:
            raise AssertionError(
                f"while the database hangs the API goes on saying that it can serve: {error}"
            ) from None
        evidence.measure("database hung until the API says so", [seconds], "s", limit)
    evidence.event("healed", "the database goes on")
    back = until(lambda: health.serves(stack), limit.value, "the API says that it can serve again")
    evidence.measure("database back until the API says so", [back], "s", limit)
    evidence.observed(2, "changes of the API's readiness")
    until(lambda: not stack.unready(), ALONE_S, "every service ready after the database hung", every=0.5)
