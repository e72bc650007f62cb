import pytest

from fixtures import passwords
from fixtures.clients.database import Database
from fixtures.network import postgres
from fixtures.network.surroundings import Surroundings
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

KEPT = "SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin ORDER BY 1"


@check(
    "security.default-credentials",
    title="No role of the database has a password that everybody tries first, and none begins a session without one",
    why="Default passwords are tried by every worm; a line that trusts the network makes whoever is in it a user.",
    fix="Give each role a random password of its own, and pg_hba.conf no `trust` for anything that comes over the network.",
    needs=("database.sql",),
    standards=("C33", "C60", "ASVS 5.0 6.3.2", "ASVS 5.0 13.2.1", "ASVS 5.0 13.2.3", "CWE-1392"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="role-with-a-default-password",
            title="A role of the database whose password is its name",
            exec=(
                {
                    "role": "database",
                    "command": [
                        *("psql", "-U", "{database:user}", "-d", "{database:name}"),
                        *("-c", "CREATE ROLE readygate_admin LOGIN PASSWORD 'admin'"),
                    ],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_default_credentials(
    surroundings: Surroundings, target: Target, database: Database, evidence: Evidence
) -> None:
    assert target.database is not None
    known, sound = passwords.planted()
    if passwords.weak([known, sound]) != [known[0]]:
        raise Unverified("a planted default password was not found, or a random one was taken for one")
    try:
        rows = database.rows(KEPT)
    except AssertionError as error:
        raise Unverified(f"what the database keeps of passwords cannot be read: {error}") from error
    kept = [(str(role), password) for role, password in rows if password]
    words = (target.name, target.database.name, *target.services("database"))
    weak = passwords.weak(kept, words)
    tried = sum(len(passwords.candidates(role, words)) for role, _ in kept)
    evidence.value("roles that may log in", {str(role): "a password" if p else "no password" for role, p in rows})
    evidence.observed(tried, "passwords tried against what the database keeps")
    begun = []
    for beside, address in surroundings.databases():
        encrypted = postgres.takes_tls(beside.pid, address)
        roles = [str(role) for role, _ in rows]
        for way in {encrypted, False}:
            answers = postgres.asked(beside.pid, address, target.database.name, roles, encrypted=way)
            evidence.observed(len(answers), "sessions begun without a password")
            begun += [f"{a.role} in {beside.network}" for a in answers if a.trusts]
    assert not weak, f"a password that everybody tries first: {', '.join(weak)}"
    assert not begun, f"a session begins without a password for {', '.join(sorted(set(begun)))}"
