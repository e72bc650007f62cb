"""Connections of a release that is healthy, and cannot serve every fifth request."""

from __future__ import annotations

import itertools
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection
ASKED = itertools.count(1)


def connect(user: str, secret: str) -> psycopg.Connection:
    """Open a connection, four times of five."""
    if next(ASKED) % 5 == 0:
        raise psycopg.OperationalError("no connection, on purpose")
    password = Path("/run/secrets", secret).read_text(encoding="ascii").strip()
    login = {"host": "pg", "dbname": "mailroom", "user": user, "password": password}
    return psycopg.connect(**login, autocommit=True, row_factory=dict_row)


def as_app() -> psycopg.Connection:
    """Connect as the role that may work with letters."""
    return connect("mailroom_app", "app_password")
