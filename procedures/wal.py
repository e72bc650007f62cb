"""Whether archived WAL has a hole, by the segments' names: pgBackRest's own `verify` does not see one that is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(?=-[0-9a-f]{40}|$)")
_HISTORY = re.compile(r"([0-9A-F]{8})\.history")
_SWITCH = re.compile(r"^\s*(\d+)\s+([0-9A-F]+)/([0-9A-F]+)\s")
_PER_LOG = 0x100  # segments of 16 MiB, as initdb makes them
_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One WAL segment: its timeline, and its place among all segments."""

    timeline: int
    number: int

    @classmethod
    def named(cls, name: str) -> Segment | None:
        """The segment of a file's name, as 24 digits or as pgBackRest stores it; None when it is none."""
        match = _SEGMENT.match(name)
        return cls(int(match[1], 16), int(match[2], 16) * _PER_LOG + int(match[3], 16)) if match else None

    @property
    def name(self) -> str:
        return f"{self.timeline:08X}{self.number // _PER_LOG:08X}{self.number % _PER_LOG:08X}"


def segments(paths: Iterable[str], archive: str) -> set[Segment]:
    """The segments among the paths of one archive, such as `17-1`."""
    own = (path.rpartition("/")[2] for path in paths if path.startswith(f"{archive}/"))
    return {segment for name in own if (segment := Segment.named(name))}


def histories(paths: Iterable[str], archive: str) -> dict[int, str]:
    """The path of each timeline's history file in one archive."""
    names = ((path, _HISTORY.fullmatch(path.rpartition("/")[2])) for path in paths if path.startswith(f"{archive}/"))
    return {int(match[1], 16): path for path, match in names if match}


def begun(history: str) -> Segment | None:
    """The segment in which a timeline left its parent, on the parent: the last line of its history file."""
    lines = [match for line in history.splitlines() if (match := _SWITCH.match(line))]
    if not lines:
        return None
    return Segment(int(lines[-1][1]), (int(lines[-1][2], 16) << 32 | int(lines[-1][3], 16)) // _BYTES)


def missing(there: set[Segment], needed_from: Iterable[str], begins: Mapping[int, Segment]) -> list[Segment]:
    """What is not there of an unbroken archive: on each timeline from what the oldest backup on it needs first (`needed_from`),
    or from where it began, to its newest segment, and on a parent up to where the timeline left it."""
    return sorted({segment for wanted in _ranges(there, needed_from, begins) for segment in wanted} - there)


def _ranges(
    there: set[Segment], needed_from: Iterable[str], begins: Mapping[int, Segment]
) -> Iterator[Iterator[Segment]]:
    firsts = [segment for name in needed_from if (segment := Segment.named(name))]
    timelines = {segment.timeline for segment in (*there, *firsts)}
    for timeline in sorted(timelines):
        own = [segment.number for segment in firsts if segment.timeline == timeline]
        stored = [segment.number for segment in there if segment.timeline == timeline]
        left = [begin.number for begin in begins.values() if begin.timeline == timeline]
        if not own and any(first.timeline < timeline for first in firsts):
            own = [begins[timeline].number if timeline in begins else min(stored)]
        if own:  # what is older than every backup nobody needs
            # The segment in which a timeline is left is archived on the child, or on both.
            last = max([*stored, *(number - 1 for number in left), *own])
            yield (Segment(timeline, number) for number in range(min(own), last + 1))
