"""Can this API serve? The schema is new enough for it, and it may put jobs into the queue."""

from __future__ import annotations

import psycopg

from docjobs import migration_files
from docjobs.database import Connection

REQUIRED_SCHEMA = migration_files.required_version()


async def unmet(connection: Connection) -> dict[str, str]:
    """What stands in the way, by name; empty where the API is ready. Raises psycopg.Error where the database does not say."""
    try:
        cursor = await connection.execute(
            "SELECT (SELECT max(version) FROM schema_migration WHERE name LIKE 'expand%') AS schema,"
            " has_table_privilege('procrastinate_jobs', 'INSERT') AS queue,"
            " EXISTS (SELECT 1 FROM deployment) AS deployment"
        )
        row = await cursor.fetchone()
    except psycopg.errors.UndefinedTable:
        return {"schema": f"no schema yet, {REQUIRED_SCHEMA} is needed"}
    if row is None or (row["schema"] or 0) < REQUIRED_SCHEMA:
        return {"schema": f"{row['schema'] if row else None} is too old, {REQUIRED_SCHEMA} is needed"}
    if not (row["queue"] and row["deployment"]):
        return {"queue": "jobs cannot be put into the queue"}
    return {}
