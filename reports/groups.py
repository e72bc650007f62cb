"""The checks of a page in groups of one state and one area. A filter hides whole groups: to hide each of ten thousand checks by
itself takes a browser a second, and a group that nobody looks at is not even drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from reports import view

SIZE = 50  # checks; with fewer there are more groups to be filtered, with more there is more to be drawn at once


@dataclass(frozen=True, slots=True)
class Group:
    """At most SIZE checks of a state and an area, one after the other in the list; `before` is how many stand before them."""

    state: view.State
    area: str
    rows: tuple[view.Row, ...]
    before: int

    @property
    def full(self) -> bool:
        """Whether its height is known before it is drawn."""
        return len(self.rows) == SIZE


def groups(listed: tuple[view.Row, ...]) -> Iterator[Group]:
    """Yield the groups in the order of the list, which has those of a state and an area side by side."""
    before = 0
    for (state, area), found in groupby(listed, key=lambda row: (row.state, row.check.area)):
        rows = tuple(found)
        for at in range(0, len(rows), SIZE):
            yield Group(state, area, rows[at : at + SIZE], before + at)
        before += len(rows)
