"""`python -m docjobs.migrate expand|contract|status`: applies the release's migrations under a lock, each in a transaction."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import psycopg

from docjobs import database, logs, migration_files
from docjobs.build import BUILD
from docjobs.migration_files import Migration
from docjobs.settings import MigrateSettings

_LOCK = 0x646F636A  # "docj": one migration at a time, whichever release brings it
_USAGE = 2

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
                f"migration {migration.version:04d}_{migration.phase}_{migration.name} was edited after it was applied: "
                "restore the file and put the change into a new migration"
            )
    return tuple(migration for migration in migrations if migration.version not in done)


def apply(connection: psycopg.Connection, migration: Migration, lock_timeout_ms: int) -> None:
    """Run one file and record it, both or neither."""
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{lock_timeout_ms}ms",))
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute(migration.sql.encode())
        connection.execute(
            "INSERT INTO docjobs.schema_migration (version, name, checksum, release) VALUES (%s, %s, %s, %s)",
            (migration.version, f"{migration.phase}_{migration.name}", migration.checksum, BUILD.release),
        )


def run(settings: MigrateSettings, command: str) -> dict[str, Any]:
    """Apply the pending migrations of one phase, or report; raises Refused or psycopg.Error."""
    migrations = migration_files.read()
    colour = os.environ.get("ACTIVE_COLOUR", "")
    if command == "expand" and colour not in ("blue", "green"):
        raise Refused("ACTIVE_COLOUR must be blue or green: it decides whose workers take jobs in a new database")
    with database.connect(settings, "migrate", wait_s=settings.connect_wait_s) as connection:
        if command != "status":
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            connection.execute(_LEDGER)
        todo = pending(migrations, applied(connection))
        if command == "status":
            return _status(migrations, todo)
        early = [m for m in todo if m.phase == "expand"]
        if command == "contract" and early:
            raise Refused(
                f"expand migration {early[0].version:04d} is pending: run `python -m docjobs.migrate expand` first"
            )
        chosen = tuple(migration for migration in todo if migration.phase == command)
        for migration in chosen:
            apply(connection, migration, settings.lock_timeout_ms)
        if command == "expand":
            connection.execute(
                "INSERT INTO docjobs.deployment (active_colour) VALUES (%s) ON CONFLICT DO NOTHING", (colour,)
            )
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
    except (Refused, ValueError) as error:
        sys.stderr.write(f"migrate {arguments[0]}: {error}\n")
        return 1
    except psycopg.Error as error:
        said = (error.diag.message_primary or str(error)).splitlines()[0]
        sys.stderr.write(f"migrate {arguments[0]}: the database refused, nothing of this migration was kept: {said}\n")
        return 1
    sys.stdout.write(json.dumps(outcome) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
