import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fixtures.backups.export import dumps, lacking, roles, rows
from fixtures.clients.database import Database
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage

ROLES = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"
OTHERS = stat.S_IRWXO
NEW = 'mkdir -m 700 {folder} && umask 077 && in_database() { docker compose exec -T {services:database} "$@"; } && '
DUMP = "in_database pg_dump -U {database:user} -Fc -d "
INTO = " > {folder}/all.dump"
ROLES_TOO = " && in_database pg_dumpall -U {database:user} --roles-only > {folder}/roles.sql"


@check(
    "recovery.export",
    title="A logical export holds each table with its rows and each role, and is for nobody else's eyes",
    why="The dump of the wrong schema ended with 0 for a year; it held no row, and its restore went well.",
    fix="Count the rows of each table in the dump itself, export the roles beside it, and write both with mode 0600.",
    needs=("database.sql", "commands.export"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="export-of-the-schema-alone",
            title="An export that ends with 0 and holds no row",
            says="is not in it",
            command=({"name": "export", "argv": ["sh", "-ec", NEW + DUMP + "{database:name} -s" + INTO + ROLES_TOO]},),
        ),
        Sabotage(
            id="export-of-another-database",
            title="An export of the wrong database, which is empty",
            says="is not in it",
            command=({"name": "export", "argv": ["sh", "-ec", NEW + DUMP + "template1" + INTO + ROLES_TOO]},),
        ),
        Sabotage(
            id="export-without-roles",
            title="An export that leaves the roles out",
            says="roles",
            command=({"name": "export", "argv": ["sh", "-ec", NEW + DUMP + "{database:name}" + INTO]},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_export(stack: ComposeStack, database: Database, evidence: Evidence) -> None:
    with TemporaryDirectory(dir=stack.state) as beside:  # gone at the end: everything that the system knows is in it
        _demand_whole(stack, database, Path(beside) / "export", evidence)


def _demand_whole(stack: ComposeStack, database: Database, folder: Path, evidence: Evidence) -> None:
    before = _counts(database)
    done = stack.command("export", folder=str(folder))
    after = _counts(database)
    assert done.status == 0, f"no export is written: {done.line} ended with {done.status}: {done.tail}"
    found = dumps(folder)
    assert found, f"{done.line} ended with 0, and there is no file of pg_dump's custom format in its folder"
    exported: dict[str, int] = {}
    for dump in found:
        exported |= rows(stack, dump)
    evidence.value("rows by table in the export", exported)
    evidence.observed(len(exported), "tables in the export")
    wrong = lacking(exported, before, after)
    assert not wrong, "the export is not the database: " + "; ".join(wrong)
    absent = {str(role) for (role,) in database.rows(ROLES)} - roles(folder)
    assert not absent, f"the export holds no statement for the roles {', '.join(sorted(absent))}"
    evidence.observed(len(roles(folder)), "roles in the export")
    open_to_all = [path.name for path in folder.rglob("*") if path.stat().st_mode & OTHERS]
    assert not open_to_all, f"everybody on this machine may read {', '.join(sorted(open_to_all))} of the export"


def _counts(database: Database) -> dict[str, int]:
    return {table: int(content.partition(":")[0]) for table, content in database.contents().items()}
