"""Connections of a release that is healthy, and fails every fifth time it is asked how far a task is."""

from __future__ import annotations

import itertools
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

ASKED = itertools.count(1)


class Connection(psycopg.Connection):
    """One that loses the answer now and then."""

    def execute(self, query: str | bytes, *arguments: object) -> psycopg.Cursor:
        """Ask the database, four times of five."""
        if "state AS status" in str(query) and next(ASKED) % 5 == 0:
            raise psycopg.OperationalError("the answer was lost, on purpose")
        return super().execute(query, *arguments)


def connect(user: str, secret: str) -> Connection:
    """Open a connection in autocommit."""
    password = Path("/run/secrets", secret).read_text(encoding="ascii").strip()
    login = {"host": "pg", "dbname": "mailroom", "user": user, "password": password}
    return Connection.connect(**login, autocommit=True, row_factory=dict_row)


def as_app() -> Connection:
    """Connect as the role that may work with letters."""
    return connect("mailroom_app", "app_password")
