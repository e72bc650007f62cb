from collections.abc import Iterable

import pytest

from fixtures.access import statements
from fixtures.access.statements import Attempt, Role
from fixtures.clients.database import Database
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

_CONNECTS_S = 10.0
# The role with the most connections from elsewhere that is no exporter's becomes the owner of every table.
_APPLICATION_OWNS = """DO $$ DECLARE t text; who text; BEGIN
SELECT usename INTO STRICT who FROM pg_stat_activity a JOIN pg_roles r ON r.rolname = a.usename AND NOT r.rolsuper
WHERE client_addr IS NOT NULL AND a.query !~ 'pg_stat' GROUP BY usename ORDER BY count(*) DESC LIMIT 1;
FOR t IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'
LOOP EXECUTE format('ALTER TABLE %s OWNER TO %I', t, who); END LOOP; END $$"""


@check(
    "access.database-roles",
    title="No role of the database can do more than its work, as tried by each of them",
    why="Whoever gets SQL into the application's connection has that role: it must not own, drop or reach the machine.",
    fix="Let another role own the tables and run migrations; grant the application rows and nothing else; revoke from PUBLIC.",
    needs=("database", "database.sql", "api", "worker"),
    standards=("C59", "ASVS 5.0 13.2.2", "CWE-250"),
    minimum=20,
    broken_by=(
        Sabotage(
            id="public-may-create",
            title="A schema in which everybody may create",
            exec=(
                {
                    "role": "database",
                    "command": [
                        "psql",
                        "--username={database:user}",
                        "--dbname={database:name}",
                        "--command=GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC",
                    ],
                },
            ),
            says="create a table in public",
        ),
        Sabotage(
            id="application-owns-its-tables",
            title="Tables that belong to the role with which the application is connected",
            exec=(
                {
                    "role": "database",
                    "command": [
                        "psql",
                        "--username={database:user}",
                        "--dbname={database:name}",
                        "--set=ON_ERROR_STOP=1",
                        f"--command={_APPLICATION_OWNS}",
                    ],
                },
            ),
            says="owns",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_database_roles(stack: ComposeStack, database: Database, target: Target, evidence: Evidence) -> None:
    assert target.database is not None
    known = {role.name: role for role in statements.roles(database)}
    tables, schemas = statements.tables(database), statements.schemas(database)
    working = _connected(stack, database)
    readonly = [role for role in (target.access.readonly if target.access else ()) if role in known]
    if not tables:
        raise Unverified("there is no table that a role could drop")
    evidence.value("roles that can log in", {role.name: list(role.powers) for role in known.values()})
    evidence.value("roles that API and workers are connected with", working)

    wanted: list[Attempt] = []
    for name, role in known.items():
        if not role.everything:
            wanted += statements.powers(name)
        if name in working or (name not in {*readonly, target.database.user} and not role.owns and not role.everything):
            wanted += statements.changes_of_schema(name, tables, schemas)
    for name in readonly:
        wanted += [*statements.changes_of_schema(name, tables, schemas), *statements.writes(name, tables)]
    # What a role can do that was granted nothing is what everybody can do.
    wanted += [*statements.powers(statements.NOBODY), *statements.creations(statements.NOBODY, schemas)]
    wanted += [*statements.reads(statements.NOBODY, tables), *statements.writes(statements.NOBODY, tables)]
    tried = statements.attempt(database, wanted)
    evidence.observed(len(tried), "statements tried as a role")
    allowed = [one for one in tried if not one.denied]
    evidence.value("what was not denied", [f"{one.role}: {one.statement} ({one.state})" for one in allowed])
    wrong = [*_by_catalogue(known.values(), working, readonly, target.database.user), *_by_attempt(allowed)]
    assert not wrong, "; ".join(wrong[:8])


def _connected(stack: ComposeStack, database: Database) -> dict[str, str]:
    """Roles of the connections of API and workers; some only connect when there is work, so it is looked for a while."""
    found: dict[str, str] = {}
    try:
        until(lambda: found.update(statements.connected(stack, database)) or found, _CONNECTS_S, "a connection is seen")
    except NotReached as error:
        raise Unverified(f"no connection of the API or a worker is seen in the database: {error}") from error
    return found


def _by_catalogue(roles: Iterable[Role], working: dict[str, str], readonly: list[str], witness: str) -> list[str]:
    wrong = []
    for role in roles:
        if role.everything and role.name != witness:
            wrong.append(f"{role.name} is a superuser")
        if role.name in working and role.everything:
            wrong.append(f"{working[role.name]} is connected as the superuser {role.name}")
        if (role.name in working or role.name in readonly) and role.owns and not role.everything:
            wrong.append(f"{role.name} owns {', '.join(role.owns[:3])}")
        if role.powers and not role.everything:
            wrong.append(f"{role.name} has {', '.join(role.powers)}")
    return wrong


def _by_attempt(allowed: list[Attempt]) -> list[str]:
    """A sentence for each role with what it can do."""
    by_role: dict[str, list[str]] = {}
    for one in allowed:
        who = "everybody (PUBLIC)" if one.role == statements.NOBODY else one.role
        by_role.setdefault(who, []).append(one.what)
    return [
        f"{who} can {', '.join(what[:4])}{f' and {len(what) - 4} more' if len(what) > 4 else ''}"
        for who, what in by_role.items()
    ]
