import pytest

from fixtures.processes import processes
from fixtures.secrets import exposures, inspectable, planted_is_found, secret_values
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "security.secrets-in-inspect",
    title="No secret can be read from `docker inspect` or from a process's environment",
    why="Whoever may list containers, and every crash report, would hold the database's password.",
    fix="Mount the secret as a file and pass its path; take its value out of `environment`, `command` and labels.",
    needs=("api", "worker", "database"),
    standards=("C31", "ASVS 5.0 13.3.1", "CWE-526"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="password-in-environment",
            title="A password in an environment variable",
            compose={"services": {"{worker}": {"environment": {"ADMIN_PASSWORD": "correct-horse-battery-staple"}}}},
        ),
        Sabotage(
            id="password-in-label",
            title="A connection string with a password in a label",
            compose={"services": {"{api}": {"labels": {"dsn": "postgresql://app:correct-horse@db/app"}}}},
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_secrets_in_inspect(stack: ComposeStack, evidence: Evidence) -> None:
    unseen = [c.name for c in stack.containers() if not processes(c)]
    if unseen:
        raise Unverified(f"no process could be seen of {', '.join(unseen)}: run the gate on the engine's host as root")
    places = inspectable(stack)
    values = secret_values(stack)
    evidence.observed(len(places), "places: inspect data and process environments")
    evidence.value("places looked at", sorted({place.name for place in places}))
    evidence.value("secret files whose values were searched for", sorted(values))
    if not planted_is_found(values):
        raise Unverified("the detector missed a secret that was planted in its own input")
    found = exposures(places, values)
    assert not found, "readable without entering a container: " + "; ".join(found)
