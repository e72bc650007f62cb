"""Connections to PostgreSQL: pooled for services, single for commands. The password is read anew for each connection."""

from __future__ import annotations

import logging
import time
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from docjobs.settings import DatabaseSettings, ServiceSettings

_CONNECT_TIMEOUT_S = 3
_STATEMENT_TIMEOUT_MS = 10_000
_COMMAND_TIMEOUT_MS = 60_000

Connection = psycopg.AsyncConnection[dict[str, Any]]
Pool = AsyncConnectionPool[Connection]


def parameters(
    settings: DatabaseSettings, service: str, statement_timeout_ms: int = _STATEMENT_TIMEOUT_MS
) -> dict[str, Any]:
    """Connection parameters with the password as its file holds it now, so that a rotation needs no restart."""
    verified = {"sslrootcert": str(settings.database_ca_file)} if settings.database_ca_file else {}
    return {
        "host": settings.database_host,
        "port": settings.database_port,
        "dbname": settings.database_name,
        "user": settings.database_user,
        "password": settings.database_password_file.read_text(encoding="utf-8").strip(),
        "sslmode": settings.database_sslmode,
        "client_encoding": "utf8",
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "application_name": f"docjobs-{service}",
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 8_000,
        "options": f"-c search_path=docjobs,procrastinate -c statement_timeout={statement_timeout_ms}"
        " -c idle_in_transaction_session_timeout=15000",
        **verified,
    }


def pool(settings: ServiceSettings, service: str) -> Pool:
    """A pool that is not yet open; connections are checked when taken and replaced when dead."""

    async def fresh() -> dict[str, Any]:
        return {**parameters(settings, service), "row_factory": dict_row}

    async def configure(connection: Connection) -> None:
        await connection.set_autocommit(True)

    return AsyncConnectionPool(
        kwargs=fresh,
        configure=configure,
        min_size=min(2, settings.database_pool),
        max_size=settings.database_pool,
        timeout=5,
        max_waiting=200,
        max_lifetime=1800,
        reconnect_timeout=3,
        check=AsyncConnectionPool.check_connection,
        open=False,
        name=service,
    )


async def open_connection(settings: DatabaseSettings, service: str) -> Connection:
    """One autocommit connection beside the pool. Raises psycopg.OperationalError."""
    return await Connection.connect(**parameters(settings, service), autocommit=True, row_factory=dict_row)


def connect(settings: DatabaseSettings, service: str, wait_s: float = 0) -> psycopg.Connection:
    """One autocommit connection for a command; tries for `wait_s` seconds, then raises psycopg.OperationalError."""
    until = time.monotonic() + wait_s
    while True:
        try:
            return psycopg.connect(**parameters(settings, service, _COMMAND_TIMEOUT_MS), autocommit=True)
        except psycopg.OperationalError as error:
            if time.monotonic() >= until or "authentication failed" in str(error):
                raise
            logging.getLogger(__name__).warning("database not reachable yet")
            pause_before_retry()


def pause_before_retry() -> None:
    """The one wait of a command between two attempts."""
    time.sleep(0.5)
