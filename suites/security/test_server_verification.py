import pytest

from fixtures.network import clones, postgres
from fixtures.network.certificate import self_signed, unfit
from fixtures.network.impostor import PLAIN, REFUSED, TOOK
from fixtures.network.surroundings import Surroundings, networks_of
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

ROLES = ("api", "worker", "one_shot", "exporters")
WITHIN_S = 60  # nobody waits for it where all came: fifteen were too few for a client that started on a busy machine
STRANGER, OTHER = "stranger", "namesake"
SHOWN = {STRANGER: "which nobody signed", OTHER: "which is another service's"}


@check(
    "security.server-verification",
    title="Every client of the database refuses a server whose certificate its authority has not signed, or signed for another",
    why="A client that takes any certificate hands password and data to whoever answers in the database's place; one that looks"
    " at no name, to whoever has taken over another service.",
    fix="Set sslmode=verify-full and sslrootcert for every connection to the database.",
    needs=("api", "worker", "database.encrypted"),
    standards=("C27", "ASVS 5.0 12.3.2", "ASVS 5.0 12.3.4", "CWE-295", "CWE-297"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="client-takes-any-certificate",
            title="Clients that encrypt and verify nothing",
            says=f"{TOOK}, {SHOWN[STRANGER]}",
            # libpq verifies with sslmode=require as well where it is given an authority.
            replace=(
                {"file": "{stack.compose}", "pattern": "verify-(?:full|ca)", "with": "require"},
                {"file": "{stack.compose}", "pattern": r"(?m)^ +\w*CA_FILE: .*\n|&sslrootcert=[^&\s]+", "with": ""},
            ),
        ),
        Sabotage(
            id="client-takes-any-name",
            title="Clients that verify who signed a certificate, and not for whom",
            says=f"{TOOK}, {SHOWN[OTHER]}",
            replace=({"file": "{stack.compose}", "pattern": "verify-full", "with": "verify-ca"},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_server_verification(
    surroundings: Surroundings, stack: ComposeStack, target: Target, evidence: Evidence
) -> None:
    roles = [role for role in target.network.clients["database"] if role in ROLES]
    shared = {name for c in stack.containers("database") for name in networks_of(c)}
    clients = {c.service: c for c in stack.all_containers() if c.role in roles and shared & set(networks_of(c))}
    impostors = {STRANGER: self_signed(clones.names_of_database(stack))}
    if other := _other(surroundings, target):
        impostors[OTHER] = other
    met = clones.visits(stack, tuple(clients.values()), impostors, WITHIN_S)
    wrong, silent = [], set()
    for name, visits in met.items():
        evidence.value(f"what a copy of each client did with a certificate {SHOWN[name]}", visits)
        evidence.observed(sum(1 for seen in visits.values() if seen), f"clients that met a certificate {SHOWN[name]}")
        wrong += [f"{service} {TOOK}, {SHOWN[name]}" for service, seen in visits.items() if TOOK in seen]
        wrong += [f"{service} {PLAIN}" for service, seen in visits.items() if PLAIN in seen]
        silent |= {service for service, seen in visits.items() if REFUSED not in seen}
    assert not wrong, "met by a database that is not theirs: " + "; ".join(wrong)
    if silent:
        never = ", ".join(sorted(silent))
        raise Unverified(f"never came to the database within {WITHIN_S} s, so nothing is known of {never}")
    if not other:
        raise Unverified(
            "whether they look at the name in a certificate is not known: give [database] other_certificate_file one that the"
            " database's authority has signed for another service"
        )


def _other(surroundings: Surroundings, target: Target) -> bytes:
    """A certificate and key of the database's authority for another name; empty where none is given."""
    assert target.database is not None
    file = target.database.other_certificate_file
    if file is None:
        return b""
    try:
        pair = (target.folder / file).read_bytes()
    except OSError as error:
        raise Unverified(f"[database] other_certificate_file {file} cannot be read: {error.strerror}") from error
    beside, address = surroundings.databases()[0]
    its_own = postgres.certificate(beside.pid, address)
    if why := unfit(pair, its_own, clones.names_of_database(surroundings.stack)):
        raise Unverified(f"[database] other_certificate_file {file} cannot stand for another service's: {why}")
    return pair
