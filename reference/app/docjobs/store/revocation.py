"""Which tokens are refused before their end."""

from __future__ import annotations

from dataclasses import dataclass, field

from docjobs.database import Connection


@dataclass(frozen=True, slots=True)
class Revoked:
    """Token ids, and by tenant and subject the moment (seconds since 1970) until which an issued token is refused."""

    ids: frozenset[str] = frozenset()
    until: dict[tuple[str, str], float] = field(default_factory=dict)

    def covers(self, token_id: str, tenant: str, subject: str, issued_at: float) -> bool:
        """Whether a token is refused."""
        return token_id in self.ids or issued_at <= self.until.get((tenant, subject), -1)


async def read(connection: Connection) -> Revoked:
    """What is revoked now and has not ended by itself."""
    cursor = await connection.execute(
        "SELECT token_id, tenant, subject, extract(epoch FROM max(issued_until))::float AS until"
        " FROM revocation WHERE ends_at > now() GROUP BY token_id, tenant, subject"
    )
    rows = await cursor.fetchall()
    return Revoked(
        frozenset(row["token_id"] for row in rows if row["token_id"]),
        {(row["tenant"], row["subject"]): row["until"] for row in rows if row["subject"]},
    )
