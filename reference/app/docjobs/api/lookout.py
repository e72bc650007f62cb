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
_NOT_ASKED = {"database": "it was not asked yet"}


class Lookout:
    """Looks for ever, and keeps what it saw last: whether the API can serve, which tokens are revoked, and the queue."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._missing = _NOT_ASKED
        self._answered_at = float("-inf")
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
                await self._read()
        except TimeoutError:
            self._note_failure("TimeoutError")
        except psycopg.Error as error:
            self._note_failure(type(error).__name__)
            self._missing = {"database": type(error).__name__}
            self._answered_at = float("-inf")
        else:
            self._answered_at = time.monotonic()

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

    async def _read(self) -> None:
        if self._connection and not self._connection.closed:
            with suppress(psycopg.OperationalError):  # cut off: a new connection tells whether the database is there
                await self._ask(self._connection)
                return
            await self._connection.close()
        self._connection = await database.open_connection(self._settings, f"api-{self._settings.colour}")
        await self._ask(self._connection)

    async def _ask(self, connection: Connection) -> None:
        self._missing = await readiness.unmet(connection)
        if "schema" in self._missing:
            return
        await self.revocations.read(connection)
        if self._looks % _FIGURES_EVERY == 0:
            await figures.read(connection, self._settings.colour)
        self._looks += 1

    def _note_failure(self, error: str) -> None:
        if self.database_answers:
            _LOG.warning("database does not answer", extra={"error": error})
