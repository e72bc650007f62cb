"""Which tokens are revoked, as it was read last: a request must not wait for that, and a revocation not for a restart."""

from __future__ import annotations

import time
from http import HTTPStatus

from docjobs.api.problems import Problem
from docjobs.database import Connection
from docjobs.store import revocation
from docjobs.store.revocation import Revoked

# While nobody can say what is revoked, nobody is let in.
OLDEST_S = 5.0


class Revocations:
    """What was revoked, at most a third of a second ago while the database answers (Lookout)."""

    def __init__(self) -> None:
        self._revoked = Revoked()
        self._read_at = float("-inf")

    async def read(self, connection: Connection) -> None:
        """Read what is revoked. Raises psycopg.Error; what was read before stays then."""
        self._revoked = await revocation.read(connection)
        self._read_at = time.monotonic()

    def covers(self, token_id: str, tenant: str, subject: str, issued_at: float) -> bool:
        """Whether a token is revoked; raises a 503 problem while that cannot be known."""
        if time.monotonic() - self._read_at > OLDEST_S:
            detail = "it cannot be seen which tokens are revoked; try again"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "database-unavailable", detail, {"Retry-After": "2"})
        return self._revoked.covers(token_id, tenant, subject, issued_at)
