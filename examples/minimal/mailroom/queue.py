"""The queue: rows of `task`, taken under a lease that its holder keeps renewing. Who lost the lease cannot post."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from mailroom import LEASE_S
from mailroom.database import Connection

MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class Held:
    """A task under our lease."""

    ref: str
    letter: str
    attempt: int
    holder: uuid.UUID


def take(connection: Connection) -> Held | None:
    """Take the oldest task that is new, or whose holder let its lease run out; None when there is none."""
    connection.execute(
        "UPDATE task SET state = 'BROKEN', error = 'given up: every attempt was lost', ended = clock_timestamp() "
        "WHERE state = 'BUSY' AND lease_until < clock_timestamp() AND attempts >= %s",
        [MOST_ATTEMPTS],
    )
    holder = uuid.uuid4()
    row = connection.execute(
        "UPDATE task SET state = 'BUSY', attempts = attempts + 1, holder = %s, "
        "lease_until = clock_timestamp() + make_interval(secs => %s) "
        "WHERE ref = (SELECT ref FROM task WHERE state = 'NEW' OR (state = 'BUSY' AND lease_until < clock_timestamp()) "
        "ORDER BY created FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING ref, letter, attempts",
        [holder, LEASE_S],
    ).fetchone()
    return Held(row["ref"], row["letter"], row["attempts"], holder) if row else None


def renew(connection: Connection, holders: list[uuid.UUID]) -> None:
    """Keep the leases of these holders; those that were lost stay lost."""
    connection.execute(
        "UPDATE task SET lease_until = clock_timestamp() + make_interval(secs => %s) "
        "WHERE state = 'BUSY' AND holder = ANY(%s)",
        [LEASE_S, holders],
    )


def post(connection: Connection, held: Held, layout: dict[str, Any], runner: str) -> bool:
    """Finish the task and post its letter, both or neither; False when another holds the task by now."""
    with connection.transaction():
        done = connection.execute(
            "UPDATE task SET state = 'DONE', layout = %s, ended = clock_timestamp() "
            "WHERE ref = %s AND state = 'BUSY' AND holder = %s",
            [json.dumps(layout), held.ref, held.holder],
        )
        if done.rowcount != 1:
            return False
        connection.execute(
            "INSERT INTO posted (task_ref, attempt, runner) VALUES (%s, %s, %s)", [held.ref, held.attempt, runner]
        )
    return True


def give_up(connection: Connection, held: Held, error: str) -> None:
    """Mark a task as broken, unless another holds it by now."""
    connection.execute(
        "UPDATE task SET state = 'BROKEN', error = %s, ended = clock_timestamp() "
        "WHERE ref = %s AND state = 'BUSY' AND holder = %s",
        [error, held.ref, held.holder],
    )
