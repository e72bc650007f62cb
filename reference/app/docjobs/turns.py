"""Whose job is next when tenants share the workers: a place in line, of which the lowest goes first, at equal ones the older.

A tenant's first waiting job gets an odd place just before everybody who already has one waiting (start-time fair queueing); its
further ones get even places behind its own. So tenants take turns, each in its own order, and nobody waits for ever: places
that are given out move on with those that are taken. An odd place says that nothing of the tenant waited before.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """The jobs that wait, as a tenant finds them: how many, how many of its own, its own last place, the first place, and the
    first of those that are even; None where there is none."""

    everybody: int = 0
    own: int = 0
    own_last: int | None = None
    first: int | None = None
    first_even: int | None = None


def place(line: Line) -> int:
    """The place of the tenant's next job."""
    if line.own_last is not None:
        return line.own_last + (1 if line.own_last % 2 else 2)
    if line.first_even is not None:
        return line.first_even - 1
    return line.first if line.first is not None else 1
