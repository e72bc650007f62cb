"""`python -m docjobs.migrate expand|contract|status`: applies what is pending of a phase under a lock, all of it or nothing."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable

from docjobs import database, logs, migration_files
from docjobs.build import BUILD
from docjobs.migration_files import Migration, Statement
from docjobs.settings import MigrateSettings

_LOCK = 0x646F636A  # "docj": one migration at a time, whichever release brings it
_USAGE = 2
_LOG = logging.getLogger(__name__)

_LEDGER = """
CREATE SCHEMA IF NOT EXISTS docjobs;
CREATE TABLE IF NOT EXISTS docjobs.schema_migration (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    release text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


class Refused(Exception):
    """The migration must not go on; the text says why and what mends it."""


class Failed(Exception):
    """The database refused a statement of a file; nothing of the run was kept."""

    def __init__(self, migration: Migration, statement: Statement, error: psycopg.Error) -> None:
        said = (error.diag.message_primary or str(error)).splitlines()[0]
        super().__init__(f"{migration.file}, {statement}: {said}; nothing was kept, the schema is as it was")


def applied(connection: psycopg.Connection) -> dict[int, str]:
    """Version to checksum of what the database has; empty where the ledger does not exist yet."""
    if connection.execute("SELECT to_regclass('docjobs.schema_migration')").fetchone() == (None,):
        return {}
    return dict(connection.execute("SELECT version, checksum FROM docjobs.schema_migration").fetchall())


def pending(migrations: tuple[Migration, ...], done: dict[int, str]) -> tuple[Migration, ...]:
    """What is not applied yet, in order; raises Refused where an applied file was edited since."""
    for migration in migrations:
        if migration.version in done and done[migration.version] != migration.checksum:
            raise Refused(
                f"migration {migration.file} was edited after it was applied: "
                "restore the file and put the change into a new migration"
            )
    return tuple(migration for migration in migrations if migration.version not in done)


def apply(connection: psycopg.Connection, migrations: Sequence[Migration], settings: MigrateSettings) -> None:
    """Run the files in the transaction that is open, and record them. Raises Failed."""
    connection.execute(_LEDGER)
    for migration in migrations:
        connection.execute("RESET ALL")  # what the file before set for itself with SET LOCAL
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{settings.lock_timeout_ms}ms",))
        connection.execute("SET LOCAL statement_timeout = 0")
        for statement in migration.statements():
            try:
                connection.execute(statement.sql.encode())
            except psycopg.Error as error:
                raise Failed(migration, statement, error) from error
        connection.execute(
            "INSERT INTO docjobs.schema_migration (version, name, checksum, release) VALUES (%s, %s, %s, %s)",
            (migration.version, f"{migration.phase}_{migration.name}", migration.checksum, BUILD.release),
        )


def all_or_nothing(
    connection: psycopg.Connection, migrations: Sequence[Migration], settings: MigrateSettings, colour: str
) -> None:
    """Apply the files in one transaction; with a `colour`, a new database's workers of it take jobs. Raises Failed.

    While a migration waits for a lock, whoever wants the table waits behind it: it gives up soon, and tries again later.
    """
    for attempt in range(1, settings.lock_attempts + 1):
        try:
            with connection.transaction():
                apply(connection, migrations, settings)
                if colour:
                    connection.execute(
                        "INSERT INTO docjobs.deployment (active_colour) VALUES (%s) ON CONFLICT DO NOTHING", (colour,)
                    )
        except Failed as error:
            in_the_way = isinstance(error.__cause__, LockNotAvailable | DeadlockDetected)
            if not in_the_way or attempt == settings.lock_attempts:
                raise
            _LOG.warning("trying again", extra={"attempt": attempt, "reason": str(error)})
            database.pause_before_retry()
        else:
            return


def run(settings: MigrateSettings, command: str) -> dict[str, Any]:
    """Apply the pending migrations of one phase, or report; raises Refused, Failed or psycopg.Error."""
    migrations = migration_files.read()
    colour = os.environ.get("ACTIVE_COLOUR", "")
    if command == "expand" and colour not in ("blue", "green"):
        raise Refused("ACTIVE_COLOUR must be blue or green: it decides whose workers take jobs in a new database")
    with database.connect(settings, "migrate", wait_s=settings.connect_wait_s) as connection:
        if command != "status":
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        todo = pending(migrations, applied(connection))
        if command == "status":
            return _status(migrations, todo)
        early = [m for m in todo if m.phase == "expand"]
        if command == "contract" and early:
            raise Refused(
                f"expand migration {early[0].version:04d} is pending: run `python -m docjobs.migrate expand` first"
            )
        chosen = tuple(migration for migration in todo if migration.phase == command)
        all_or_nothing(connection, chosen, settings, colour if command == "expand" else "")
        return _status(migrations, pending(migrations, applied(connection))) | {"applied": [m.version for m in chosen]}


def _status(migrations: tuple[Migration, ...], todo: tuple[Migration, ...]) -> dict[str, Any]:
    return {
        "release": BUILD.release,
        "newest": max(migration.version for migration in migrations),
        "pending_expand": [migration.version for migration in todo if migration.phase == "expand"],
        "pending_contract": [migration.version for migration in todo if migration.phase == "contract"],
    }


def main(arguments: list[str]) -> int:
    """Print one JSON line and return 0, or say on stderr what stopped it and return 1 (2 for wrong usage)."""
    if arguments not in (["expand"], ["contract"], ["status"]):
        sys.stderr.write("usage: python -m docjobs.migrate expand|contract|status\n")
        return _USAGE
    settings = MigrateSettings.load()
    logs.configure("migrate", settings.log_level)
    try:
        outcome = run(settings, arguments[0])
    except (Refused, Failed, ValueError) as error:
        sys.stderr.write(f"migrate {arguments[0]}: {error}\n")
        return 1
    except psycopg.Error as error:
        said = (error.diag.message_primary or str(error)).splitlines()[0]
        sys.stderr.write(f"migrate {arguments[0]}: the database refused, nothing was kept: {said}\n")
        return 1
    sys.stdout.write(json.dumps(outcome) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
