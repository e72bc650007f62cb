import pytest

from fixtures.network import clones
from fixtures.network.impostor import PLAIN, REFUSED, TOOK
from fixtures.network.surroundings import networks_of
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

ROLES = ("api", "worker", "one_shot", "exporters")
WITHIN_S = 15


@check(
    "security.server-verification",
    title="Every client of the database refuses a server whose certificate its authority has not signed",
    why="A client that takes any certificate hands password and data to whoever answers in the database's place.",
    fix="Set sslmode=verify-full and sslrootcert for every connection to the database.",
    needs=("api", "worker", "database.encrypted"),
    standards=("C27", "ASVS 5.0 12.3.2", "ASVS 5.0 12.3.4", "CWE-295"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="client-takes-any-certificate",
            title="Clients that encrypt and verify nothing",
            says=TOOK,
            # libpq verifies with sslmode=require as well where it is given an authority.
            replace=(
                {"file": "{stack.compose}", "pattern": "verify-(?:full|ca)", "with": "require"},
                {"file": "{stack.compose}", "pattern": r"(?m)^ +\w*CA_FILE: .*\n|&sslrootcert=[^&\s]+", "with": ""},
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_server_verification(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    roles = [role for role in target.network.clients["database"] if role in ROLES]
    shared = {name for c in stack.containers("database") for name in networks_of(c)}
    clients = {c.service: c for c in stack.all_containers() if c.role in roles and shared & set(networks_of(c))}
    visits = clones.visits(stack, tuple(clients.values()), WITHIN_S)
    evidence.value("what a copy of each client did when a stranger answered as the database", visits)
    evidence.observed(sum(1 for seen in visits.values() if seen), "clients that met the stranger")
    wrong = [f"{service} {what}" for service, seen in visits.items() for what in (TOOK, PLAIN) if what in seen]
    assert not wrong, "met by a database that is not theirs: " + "; ".join(wrong)
    if silent := sorted(service for service, seen in visits.items() if REFUSED not in seen):
        raise Unverified(f"never came to the database within {WITHIN_S} s, so nothing is known of {', '.join(silent)}")
