import pytest

from fixtures.clients.alertmanager import Alertmanager
from fixtures.clients.database import Database
from fixtures.clients.prometheus import Prometheus
from fixtures.drift.database import database_differences, kept_differences
from fixtures.drift.difference import Difference
from fixtures.drift.files import UnreadableError
from fixtures.drift.loaded import content, file_of, loaded_differences
from fixtures.drift.system import system_differences
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


def _by_hand(role: str, command: str) -> tuple[dict[str, list[str]]]:
    """A command on each container of a role ($id), whatever the system calls them."""
    return ({"command": ["sh", "-ec", f"for id in $(docker compose ps -q {{services:{role}}}); do {command}; done"]},)


_ALTER = (
    "docker exec $id psql -U {database:user} -d {database:name}"
    " -c 'ALTER SYSTEM SET synchronous_commit = off' -c 'SELECT pg_reload_conf()'"
)
_KEEP = (
    "docker exec $id psql -U {database:user} -d {database:name}"
    " -c 'ALTER DATABASE {database:name} SET synchronous_commit = off'"
)
_MOVE_TAG = (
    "docker tag $(docker inspect --format '{{.Image}}' $(docker compose ps -q {services:database} | head -n 1))"
    " $(docker inspect --format '{{.Config.Image}}' $id)"
)


@check(
    "configuration.drift",
    title="What runs is what is declared: containers field by field, images, files, networks, the database's settings",
    why="What somebody changed by hand holds until a deployment takes it away, or is the reason for the next bad night.",
    fix="Put the change into the files and deploy it, or make the container anew from them; the drift report names each field.",
    needs=("api", "worker", "database"),
    standards=("C36", "C38", "C39", "CIS Docker 5.28", "NIST SP 800-190 4.4.5"),
    minimum=100,
    broken_by=(
        Sabotage(
            id="memory-raised-by-hand",
            title="A worker's memory limit raised by hand, which `docker compose up` does not notice",
            exec=_by_hand("worker", "docker update --memory 2g --memory-swap 2g $id"),
            says="memory limit",
        ),
        Sabotage(
            id="network-joined-by-hand",
            title="A database put into one more network by hand",
            exec=_by_hand("database", "docker network connect bridge $id"),
            says="networks",
        ),
        Sabotage(
            id="setting-by-alter-system",
            title="A database's setting changed by ALTER SYSTEM",
            exec=_by_hand("database", _ALTER),
            says="ALTER SYSTEM",
        ),
        Sabotage(
            id="setting-kept-for-a-database",
            title="A setting that the database keeps for itself, by ALTER DATABASE",
            exec=_by_hand("database", _KEEP),
            says="ALTER DATABASE",
        ),
        Sabotage(
            id="file-changed-in-container",
            title="A file of the image changed inside a running container",
            compose={"services": {"{api}": {"read_only": False}}},
            exec=({"role": "api", "user": "0", "command": ["sh", "-c", "echo '# by hand' >> /etc/passwd"]},),
            says="/etc/passwd",
        ),
        Sabotage(
            id="tag-moved-to-another-image",
            title="A tag that stands for another image than the container runs",
            compose={"services": {"{worker}": {"image": "@latest"}}},
            exec=_by_hand("worker", _MOVE_TAG),
            says="id of image",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_drift(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    try:
        looked = system_differences(stack)
    except UnreadableError as error:
        raise Unverified(f"{error}: run the gate on the engine's host as root") from error
    differences = looked.differences
    evidence.observed(looked.fields, f"fields of {looked.containers} containers and {looked.networks} networks")
    evidence.observed(looked.files, "files mounted into them")
    evidence.value("keys of the compose file that nothing compares", looked.unseen)
    if target.database is not None:
        settings, found = database_differences(Database(stack))
        evidence.observed(settings, "settings of the database")
        differences += found
        settings, found = kept_differences(Database(stack), target.database.kept_settings)
        evidence.observed(settings, "settings that it keeps for roles and databases")
        differences += found
    differences += _loaded(stack, target, evidence)
    evidence.value("drift report", [difference.row() for difference in differences])
    said = [str(difference) for difference in differences]
    assert not said, f"{len(said)} differences: " + "; ".join(said[:12])


def _loaded(stack: ComposeStack, target: Target, evidence: Evidence) -> list[Difference]:
    """What Prometheus and Alertmanager say that they have loaded, where there are such."""
    found = []
    ways = {"metrics": (target.metrics, _by_prometheus), "alerts": (target.alerts, _by_alertmanager)}
    for role, (table, loaded) in ways.items():
        for container in stack.containers(role) if table else ():
            path = file_of(container)
            if not path:
                raise Unverified(f"{container.service}: no process says which configuration file it was started with")
            count, differing = loaded_differences(container.service, content(stack, container, path), loaded(stack))
            evidence.observed(count, f"values of {path} that {container.service} has loaded")
            found += differing
    return found


def _by_prometheus(stack: ComposeStack) -> str:
    return str(Prometheus(stack).get("status/config")["yaml"])


def _by_alertmanager(stack: ComposeStack) -> str:
    return str(Alertmanager(stack).status()["config"]["original"])
