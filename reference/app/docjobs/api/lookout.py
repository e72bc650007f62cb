"""What the API must know of its database all the time, read on a connection of its own.

Whoever probes, scrapes or shows a token must not wait for the pool: a busy API would call itself dead.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

import psycopg

from docjobs import database
from docjobs.api import figures, readiness
from docjobs.api.revocations import OLDEST_S, Revocations
from docjobs.database import Connection
from docjobs.settings import ApiSettings

_LOG = logging.getLogger(__name__)
_EVERY_S = 0.3
_FIGURES_EVERY = 2  # looks: nobody scrapes more often than every half second
_WAIT_S = 2.0
# After this long without an answer the database is as good as down; somebody is to know of it within five seconds.
_SILENT_S = 1.3
# As long as a connection of the pool: whoever may not connect any more is noticed.
_RENEWED_AFTER_S = 1800.0
_UNREADABLE = (psycopg.Error, OSError, ValueError)  # the database, and the file of its password


class Lookout:
    """Looks for ever, and keeps what it saw last: whether the API can serve, which tokens are revoked, and the queue."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._opened_at = 0.0
        self._missing = {"database": "it was not asked yet"}
        self._answered_at = float("-inf")
        self._failing = False
        self._looks = 0
        self.revocations = Revocations()

    async def watch(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(_EVERY_S)
        finally:
            if self._connection:
                await self._connection.close()

    async def look(self) -> None:
        """Read everything anew. What was read before stays for a while when the database is silent, not when it refuses."""
        try:
            async with asyncio.timeout(_WAIT_S):
                connection = await self._read()
        except TimeoutError as error:
            self._note_failure(error)
            return
        except _UNREADABLE as error:
            self._note_failure(error)
            self._missing = {"database": type(error).__name__}
            self._answered_at = float("-inf")
            return
        self._failing = False
        self._answered_at = time.monotonic()
        self._looks += 1
        if not self._missing and self._looks % _FIGURES_EVERY:
            await self._read_figures(connection)

    @property
    def missing(self) -> dict[str, str]:
        """What keeps the API from serving, by name; empty where it can."""
        if not self._missing and time.monotonic() - self._answered_at > OLDEST_S:
            return {"database": f"no answer for {OLDEST_S:g} s"}
        return self._missing

    @property
    def database_answers(self) -> bool:
        """Whether the database has answered lately."""
        return time.monotonic() - self._answered_at <= _SILENT_S

    async def _read(self) -> Connection:
        """Over the connection that is there, or a new one where it was cut off: that tells whether the database is there."""
        connection, aged = self._connection, time.monotonic() - self._opened_at > _RENEWED_AFTER_S
        if connection and not connection.closed:
            with suppress(psycopg.OperationalError):
                if not aged:
                    await self._ask(connection)
                    return connection
            await connection.close()
        # A name of its own: it is none of the pool's connections, whose use tells whether they are enough.
        connection = await database.open_connection(self._settings, f"api-{self._settings.colour}-lookout")
        self._connection, self._opened_at = connection, time.monotonic()
        await self._ask(connection)
        return connection

    async def _ask(self, connection: Connection) -> None:
        missing = await readiness.unmet(connection)
        if "schema" not in missing:
            await self.revocations.read(connection)
        # Last: whoever hears "ready" comes at once, and would be refused while revocations are unread.
        self._missing = missing

    async def _read_figures(self, connection: Connection) -> None:
        """Numbers for Prometheus, which nothing else waits for: a table that is locked does not make the API unready."""
        try:
            async with asyncio.timeout(_WAIT_S):
                await figures.read(connection, self._settings.colour)
        except (TimeoutError, psycopg.Error) as error:
            self._note_failure(error)

    def _note_failure(self, error: Exception) -> None:
        if not self._failing:
            _LOG.warning("database not readable", extra={"error": type(error).__name__})
        self._failing = True
