"""Writes a logical export of the database: every table in PostgreSQL's custom format, and the roles as SQL.

It can be read by another version of PostgreSQL and table by table, which a physical backup cannot; it has no point in time.
Both files are for nobody but their owner: nothing in them is encrypted."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from procedures import shell
from procedures.ending import Result, Values, carried_out
from procedures.record import state_folder
from procedures.refusal import Refused, StepFailed
from procedures.shell import Completed
from procedures.system import Run, System

DUMP, ROLES = "docjobs.dump", "roles.sql"
_TIMEOUT_S = 6 * 3600.0
_CONNECTION = "dbname=docjobs user=docjobs_superuser connect_timeout=5"
_TRAILER = "PostgreSQL database cluster dump complete"
_LOOK = "docker compose logs --tail 20 database"
_TABLES = """
SELECT n.nspname || '.' || c.relname, (xpath('/row/some/text()', query_to_xml(
    format('SELECT EXISTS (SELECT FROM %I.%I) AS some', n.nspname, c.relname), false, true, '')))[1]::text = 'true'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1;
"""
_ROLE_NAMES = "SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%';"
# Reads the whole dump as a restore would, and counts the rows of each table; what is cut off ends it with an error.
_COUNT = r"""
set -o pipefail
pg_restore --data-only --file=- | awk '
    /^COPY / && !table { table = $2; seen[table] += 0; next }
    /^\\\.$/ { table = ""; next }
    table { seen[table]++ }
    END { for (name in seen) print name "|" seen[name] }'
"""


def exported(system: System, folder: Path) -> tuple[Result, Values]:
    """Write both files into a new folder, and only there when they hold what they must. Refused when the folder is there."""
    if folder.exists():
        raise Refused(f"{folder} is there already, and an export is never written over", "another FOLDER, or none")
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))  # mode 0700
    try:
        rows = _dumped(system, aside / DUMP)
        roles = _roles(system, aside / ROLES)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sizes = {name: (folder / name).stat().st_size for name in (DUMP, ROLES)}
    return "done", {
        "folder": str(folder),
        "bytes": sizes,
        "tables": len(rows),
        "rows": sum(rows.values()),
        "roles": roles,
    }


def _dumped(system: System, file: Path) -> dict[str, int]:
    """Rows by table of the dump. StepFailed unless each table of the database is in it, with rows if it has any."""
    _written(system, ("pg_dump", "--format=custom", f"--dbname={_CONNECTION}"), file)
    argv = system.compose.inside("database", "bash", "-c", _COUNT)
    with file.open("rb") as source:
        answer = system.stream(argv, source=source, timeout_s=_TIMEOUT_S)
    answer.check("the export cannot be read back, so it is none", _LOOK)
    pairs = (line.rpartition("|") for line in answer.stdout.splitlines())
    rows = {name.replace('"', ""): int(count) for name, _, count in pairs}
    wanted = dict(line.rsplit("|", 1) for line in _asked(system, _TABLES).splitlines())
    if not wanted:
        raise StepFailed(f"the database holds no table, so its export would be empty. To mend it: {_LOOK}")
    wrong = [name for name, some in wanted.items() if name not in rows or (some == "t" and not rows[name])]
    if wrong:
        raise StepFailed(f"the export lacks {', '.join(sorted(wrong))}, so it is none. To mend it: {_LOOK}")
    return rows


def _roles(system: System, file: Path) -> list[str]:
    """The roles in the file. StepFailed when it is cut off, or one of the database's is not there."""
    connection = f"--dbname={_CONNECTION.replace('docjobs ', 'postgres ', 1)}"
    _written(system, ("pg_dumpall", "--roles-only", connection), file)
    text = file.read_text(encoding="utf-8")
    if _TRAILER not in text[-500:]:  # newer versions write a line after it
        raise StepFailed(f"{ROLES} is cut off. To mend it: {_LOOK}")
    there = re.findall(r'^CREATE ROLE "?([^";]+)"?;', text, re.M)
    lacking = sorted(set(_asked(system, _ROLE_NAMES).split()) - set(there))
    if lacking:
        raise StepFailed(f"{ROLES} lacks {', '.join(lacking)}. To mend it: {_LOOK}")
    return there


def _written(system: System, words: tuple[str, ...], file: Path) -> Completed:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as into:
        answer = system.stream(system.compose.inside("database", *words), into=into, timeout_s=_TIMEOUT_S)
        into.flush()
        os.fsync(into.fileno())
    return answer.check(f"{words[0]} did not reach its end, so there is no export", _LOOK)


def _asked(system: System, sql: str) -> str:
    return system.ask(system.compose.sql(), text=sql).check("the database does not answer", _LOOK).stdout


def main(arguments: list[str], run: Run = shell.run) -> int:
    """Exit status 0 when the export is whole, 1 when there is none, 2 when it was refused."""
    parser = argparse.ArgumentParser(prog="scripts/export-production.sh", description=__doc__, epilog=main.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="must not be there yet (default: one named by the time)")
    given = parser.parse_args(arguments).folder
    folder = given or state_folder() / "exports" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return carried_out("export", lambda system: exported(system, folder), run=run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
