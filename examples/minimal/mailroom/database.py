"""Connections to PostgreSQL. The password is read from its file each time, so a new one needs no restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[dict[str, Any]]


def connect(user: str, secret: str) -> Connection:
    """Open a connection in autocommit; raises psycopg.OperationalError within 3 s when there is no database."""
    password = Path("/run/secrets", secret).read_text(encoding="ascii").strip()
    return psycopg.connect(
        host="pg",
        dbname="mailroom",
        user=user,
        password=password,
        connect_timeout=3,
        tcp_user_timeout=5000,
        options="-c statement_timeout=5000 -c lock_timeout=3000",
        autocommit=True,
        row_factory=dict_row,
    )


def as_app() -> Connection:
    """Connect as the role that may work with letters but not change the schema."""
    return connect("mailroom_app", "app_password")
