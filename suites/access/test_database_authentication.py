import secrets
from collections.abc import Callable

import pytest

from fixtures.access import statements
from fixtures.access.login import Try, addresses, login
from fixtures.clients.database import Database
from fixtures.secrets import secret_values
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

_PORT = 5432
# What is kept of a password is not bound to its role, so each gets that of the one with which most are connected.
_SHARED_BY_ALL = """UPDATE pg_authid SET rolpassword = (SELECT rolpassword FROM pg_authid WHERE rolname = (
SELECT usename FROM pg_stat_activity a JOIN pg_roles r ON r.rolname = a.usename AND NOT r.rolsuper
WHERE client_addr IS NOT NULL AND a.query !~ 'pg_stat' GROUP BY usename ORDER BY count(*) DESC LIMIT 1)) WHERE rolcanlogin"""


@check(
    "access.database-authentication",
    title="Over the network each role gets into the database with its own password, and with nothing else",
    why="A database that trusts its network belongs to whatever runs in that network next.",
    fix="Ask every role for scram-sha-256 in pg_hba.conf, without `trust`, and give each a password of its own.",
    needs=("database", "database.sql", "api", "worker"),
    standards=("C60", "ASVS 5.0 13.2.1", "CWE-306", "CWE-287"),
    minimum=6,
    broken_by=(
        Sabotage(
            id="one-password-for-all",
            title="Roles of a database that share one password",
            exec=(
                {
                    "role": "database",
                    "command": [
                        "psql",
                        "--username={database:user}",
                        "--dbname={database:name}",
                        "--set=ON_ERROR_STOP=1",
                        f"--command={_SHARED_BY_ALL}",
                    ],
                },
            ),
            says="with the application's password",
        ),
        Sabotage(
            id="network-is-trusted",
            title="A database that asks nobody of its network for a password",
            replace=({"file": "{access.code}", "pattern": r"(?m)^(host.*\s)scram-sha-256$", "with": r"\1trust"},),
            says="without a password",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_database_authentication(stack: ComposeStack, database: Database, target: Target, evidence: Evidence) -> None:
    assert target.database is not None
    containers = stack.containers("database")
    host = next((found for container in containers for found in addresses(container)), "")
    if not host:
        raise Unverified("the database has no address at which this machine could ask it")
    name, passwords = target.database.name, secret_values(stack)
    roles = [role.name for role in statements.roles(database)]
    working = statements.connected(stack, database)

    def tried(role: str, password: str | None, what: str) -> Try:
        return login(host, _PORT, name, role, password, what)

    # First what is wrong, and little of it: each is a line among the errors, and many of them at once are an alarm.
    wrong = [tried(role, None, "without a password") for role in roles]
    wrong += [tried(role, secrets.token_urlsafe(24), "with a wrong password") for role in roles]
    own = {role: _own(role, passwords, tried) for role in roles if role in working}
    shared = next((passwords[found] for found in own.values() if found), None)
    if shared is not None:
        wrong += [tried(role, shared, "with the application's password") for role in roles if role not in working]
    evidence.observed(len(wrong), "logins over the network")
    evidence.value("logins that must be refused", [f"{one.role} {one.what}: {one.said or 'let in'}" for one in wrong])
    evidence.value("whose password is which secret", own)
    came_in = [one for one in wrong if one.let_in]
    assert not came_in, "let in: " + "; ".join(f"{one.role} {one.what}" for one in came_in)
    unanswered = [one for one in wrong if not one.answered]
    if unanswered:
        raise Unverified(f"the database did not decide about {unanswered[0].role}: {unanswered[0].said}")
    if not any(own.values()):
        raise Unverified(
            "no secret of the system opens the database for its own role, so nothing is known of wrong ones"
        )


def _own(role: str, passwords: dict[str, str], tried: Callable[[str, str | None, str], Try]) -> str:
    """The name of the secret that is the role's password, empty when none is; those of a like name are tried first."""
    words = set(role.lower().replace("-", "_").split("_"))

    def likeness(secret: str) -> int:
        return -len(words & set(secret.lower().replace("-", "_").split("_")))

    likely = [secret for secret in sorted(passwords, key=likeness) if likeness(secret) < 0]
    return next((secret for secret in likely[:3] if tried(role, passwords[secret], f"with {secret}").let_in), "")
