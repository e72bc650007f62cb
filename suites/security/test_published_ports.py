import pytest

from fixtures import compose
from fixtures.exposure import in_host_network, published_ports
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "security.published-ports",
    title="Only the declared ports are published, in the compose file and on the running containers",
    why="A database or a metrics page that is published by an override is one scan away from everybody.",
    fix="Take the port out of the compose file, or declare it under [published] in readiness.toml.",
    needs=("api",),
    standards=("C21", "CIS Docker 5.8", "CIS Docker 5.9"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="database-published",
            title="A database published on every interface",
            compose={"services": {"{database}": {"ports": ["0.0.0.0:15432:5432"]}}},
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_published_ports(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    declared = {f"{p.service}:{p.port}" for p in compose.published(stack.declared)}
    running = {f"{c.service}:{port}" for c in stack.containers() for port in published_ports(c)}
    shared = sorted(c.service for c in stack.containers() if in_host_network(c))
    evidence.value("published by the compose model", sorted(declared))
    evidence.value("published by running containers", sorted(running))
    evidence.value("in the host's network", shared)
    evidence.observed(len(stack.containers()), "containers")
    allowed = set(target.published)
    assert target.api.service in {port.partition(":")[0] for port in running}, (
        "not even the API's own port is published"
    )
    assert declared <= allowed, f"the compose model publishes undeclared ports: {sorted(declared - allowed)}"
    assert running <= allowed, f"running containers publish undeclared ports: {sorted(running - allowed)}"
    assert not shared, f"in the host's network, so every port is published: {shared}"
