"""Where in a TOML text a key stands. `tomllib` forgets lines, and an error without one makes people search."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_ONE_PART = re.compile(r"""([A-Za-z0-9_-]+)|"([^"]*)"|'([^']*)'""")
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_DOTTED})\s*\]\]?")
_KEY = re.compile(rf"^\s*({_DOTTED})\s*=")


def key_lines(text: str) -> dict[Path, int]:
    """Map each key and table of a valid TOML text to its line, counted from 1; keys inside inline tables are not."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    quote = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not quote:
            if header := _HEADER.match(line):
                table = _within(_parts(header[2]), counts)
                if header[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                for end in range(1, len(table) + 1):
                    lines.setdefault(table[:end], number)
            elif key := _KEY.match(line):
                lines.setdefault((*table, *_parts(key[1])), number)
        quote = _open_quote(line, quote)
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of a key, or of the nearest table around it; None when nothing of the path is in the file."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _parts(dotted: str) -> Path:
    return tuple(bare or double or single for bare, double, single in _ONE_PART.findall(dotted))


def _within(path: Path, counts: dict[Path, int]) -> Path:
    """Put in the index of the array of tables that a sub-table such as [waiver.extra] belongs to."""
    placed: Path = ()
    for depth, part in enumerate(path):
        placed = (*placed, part)
        if depth < len(path) - 1 and placed in counts:
            placed = (*placed, counts[placed])
    return placed


def _open_quote(line: str, quote: str) -> str:
    for mark in re.findall(r'"""|\'\'\'', line):
        if not quote:
            quote = mark
        elif quote == mark:
            quote = ""
    return quote
