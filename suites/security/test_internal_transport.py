import pytest

from fixtures.clients.database import Database
from fixtures.network import postgres
from fixtures.network.surroundings import Surroundings
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

SESSIONS = """
SELECT a.usename, coalesce(a.application_name, ''), host(a.client_addr), s.ssl, coalesce(s.version, '')
FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)
WHERE a.client_addr IS NOT NULL AND a.backend_type = 'client backend'
"""
ROLES = "SELECT rolname FROM pg_roles WHERE rolcanlogin ORDER BY 1"


@check(
    "security.internal-transport",
    title="Sessions with the database over the network are encrypted, and none is begun in plain",
    why="Between the services run the passwords and everybody's data; whoever listens in one network must learn nothing.",
    fix="Set `ssl = on`, and `hostssl` in place of `host` in pg_hba.conf.",
    needs=("api", "database.sql", "database.encrypted"),
    standards=("C26", "ASVS 5.0 12.3.1", "ASVS 5.0 12.3.3", "CWE-319"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="database-encryption-off",
            title="A database whose encryption was switched off while it runs",
            exec=(
                {
                    "role": "database",
                    "command": [
                        *("psql", "-U", "{database:user}", "-d", "{database:name}"),
                        *("-c", "ALTER SYSTEM SET ssl = off", "-c", "SELECT pg_reload_conf()"),
                    ],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_internal_transport(surroundings: Surroundings, target: Target, database: Database, evidence: Evidence) -> None:
    assert target.database is not None
    sessions = database.rows(SESSIONS)
    plain = sorted({f"{user} of {address}" for user, _, address, ssl, _ in sessions if ssl != "t"})
    evidence.value(
        "sessions over the network",
        [f"{user} {name} {address}: {version or 'plain'}" for user, name, address, _, version in sessions],
    )
    evidence.observed(len(sessions), "sessions over the network")
    assert not plain, f"sessions without encryption: {', '.join(plain)}"
    roles = [str(role) for (role,) in database.rows(ROLES)]
    places = surroundings.databases()
    begun = []
    for beside, address in places:
        if not postgres.takes_tls(beside.pid, address):
            raise AssertionError(f"the database offers no encryption in {beside.network}")
        secured = postgres.asked(beside.pid, address, target.database.name, roles, encrypted=True)
        answers = postgres.asked(beside.pid, address, target.database.name, roles, encrypted=False)
        if not any(answer.asks for answer in secured):
            raise Unverified(
                f"not even with encryption does the database begin a session from {beside.network}: {secured[0].refusal}"
            )
        evidence.value(
            f"asked for in {beside.network}",
            {
                a.role: {"encrypted": s.asks or s.refusal, "plain": a.asks or a.refusal}
                for s, a in zip(secured, answers, strict=True)
            },
        )
        evidence.observed(len(answers), "roles, each once in plain")
        begun += [f"{a.role} in {beside.network}" for a in answers if a.asks]
    assert not begun, f"the database begins sessions without encryption for {', '.join(begun)}"
