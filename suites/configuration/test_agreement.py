import pytest

from fixtures.agreement import contradictions, declared, lacking, running
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "configuration.agreement",
    title="A setting that several services have is the same in all of them, replicas and both sides of a release included",
    why="Two places set when a job counts as stalled, and one was changed: jobs are taken from workers that do them.",
    fix="Let the services take the value from one place; what is each service's own goes under [configuration.per_service].",
    needs=("api", "worker"),
    standards=("C37",),
    minimum=1,
    broken_by=(
        Sabotage(
            id="two-names-of-one-queue",
            title="An API and a worker with two names of one queue",
            compose={
                "services": {
                    "{api}": {"environment": {"QUEUE": "documents"}},
                    "{worker}": {"environment": {"QUEUE": "papers"}},
                }
            },
            says="QUEUE",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_agreement(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    model = stack.declared_now()
    ours = {name for body in model["services"].values() for name in body.get("environment") or {}}
    containers = stack.containers()
    seen = running(containers, ours)
    if len(seen) < len(containers):
        raise Unverified("not every main process could be seen: run the gate on the engine's host as root")
    roles = {service: role for role, services in target.roles.items() for service in services}
    own = target.configuration.per_service if target.configuration else {}
    count, differing = contradictions(seen, own)
    if not count:
        raise Unverified("no two running containers have a variable of the compose file in common")
    intended = declared(model, roles)
    also, meant_differently = contradictions(intended, own)
    evidence.observed(count, "variables of several running containers")
    evidence.observed(also, "variables of several services of the compose file")
    evidence.value("each service's own", dict(own))
    wrong = [*differing, *(sentence for sentence in meant_differently if sentence not in differing), *lacking(intended)]
    evidence.value("contradictions", wrong)
    assert not wrong, "; ".join(wrong)
