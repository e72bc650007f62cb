"""Brings the schema up to date and ends. Safe to run again, and twice at once."""

from __future__ import annotations

from pathlib import Path

from mailroom.database import connect
from mailroom.log import say


def main() -> None:
    with connect("mailroom_owner", "owner_password") as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(7100)")
        connection.execute(Path(__file__).with_name("schema.sql").read_bytes())
    say("setup", "info", "schema is up to date")


if __name__ == "__main__":
    main()
