import pytest

from fixtures.processes import processes
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "security.root-processes",
    title="No process of any service runs as uid 0",
    why="A process that breaks out of a container as root is root on the host.",
    fix="Set `user:` for the service, or USER in its Dockerfile to a user whose uid is not 0.",
    needs=("api", "worker", "database"),
    standards=("C01", "CIS Docker 4.1", "NIST SP 800-190 4.4.3", "CWE-250"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="api-as-root",
            title="An API that runs as root, set in the compose file only",
            compose={"services": {"{api}": {"user": "0:0"}}},
        ),
        Sabotage(
            id="root-process-beside",
            title="A process started as root inside a healthy container",
            exec=({"role": "worker", "user": "0", "detach": True, "command": ["sleep", "600"]},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_root_processes(stack: ComposeStack, evidence: Evidence) -> None:
    containers = stack.containers()
    found = {c.name: processes(c) for c in containers}
    unseen = [name for name, of_container in found.items() if not of_container]
    if unseen:
        raise Unverified(f"no process could be seen of {', '.join(unseen)}: run the gate on the engine's host as root")
    evidence.observed(sum(map(len, found.values())), "processes, by all four of their uids")
    evidence.value(
        "uids by process", {name: {str(p.pid): f"{p.name} {p.uids}" for p in seen} for name, seen in found.items()}
    )
    roots = [f"{name}: {p.name} (pid {p.pid})" for name, seen in found.items() for p in seen if 0 in p.uids]
    assert not roots, "running as root: " + "; ".join(roots)
