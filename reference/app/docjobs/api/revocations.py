"""Which tokens are revoked, looked up all the time: a request must not wait for that, and a revocation not for a restart."""

from __future__ import annotations

import asyncio
import logging
import time
from http import HTTPStatus

import psycopg

from docjobs.api.problems import Problem
from docjobs.database import Pool
from docjobs.store import revocation
from docjobs.store.revocation import Revoked

_LOG = logging.getLogger(__name__)
_EVERY_S = 0.3
_WAIT_S = 2.0
# While nobody can say what is revoked, nobody is let in.
_OLDEST_S = 5.0


class Revocations:
    """What was revoked, at most a third of a second ago while the database answers."""

    def __init__(self) -> None:
        self._revoked = Revoked()
        self._read_at = float("-inf")
        self._failing = False

    async def watch(self, pool: Pool) -> None:
        """Look for ever."""
        while True:
            await self.look(pool)
            await asyncio.sleep(_EVERY_S)

    async def look(self, pool: Pool) -> None:
        """Read what is revoked; what was read before stays while the database does not answer."""
        try:
            async with asyncio.timeout(_WAIT_S), pool.connection(timeout=_WAIT_S) as connection:
                self._revoked = await revocation.read(connection)
        except (psycopg.Error, TimeoutError) as error:
            if not self._failing:
                _LOG.warning("revocations not readable", extra={"error": type(error).__name__})
            self._failing = True
            return
        self._read_at = time.monotonic()
        self._failing = False

    @property
    def known(self) -> bool:
        """Whether it was read lately what is revoked."""
        return time.monotonic() - self._read_at <= _OLDEST_S

    def covers(self, token_id: str, tenant: str, subject: str, issued_at: float) -> bool:
        """Whether a token is revoked; raises a 503 problem while that cannot be known."""
        if not self.known:
            detail = "it cannot be seen which tokens are revoked; try again"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "database-unavailable", detail, {"Retry-After": "2"})
        return self._revoked.covers(token_id, tenant, subject, issued_at)
