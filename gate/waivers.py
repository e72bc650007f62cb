"""Accepted risks: read from waivers.toml and put beside the results they are about. Judging them is gate.verdict's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from gate.model import CheckResult, Json, Waiver
from gate.toml_error import Document, Problem, TomlError, read
from gate.toml_node import Node, check_table, tables, text
from gate.verdict import judged

LONGEST = timedelta(days=90)
_WAIVER = {
    "check": text(),
    "outcome": text(),
    "reason": text(),
    "owner": text(),
    "approver": text(),
    "expires": Node("anything", needed=True),
    "scope": text(),
}
_ID = re.compile(r"[a-z]+\.[a-z0-9]+(?:-[a-z0-9]+)*")


class WaiverError(TomlError):
    """waivers.toml cannot be used. Exit status 2."""


def load(path: Path, today: date) -> tuple[Waiver, ...]:
    """Read waivers.toml, none when it is absent; raises WaiverError with all that is wrong, seen from `today` (UTC)."""
    if not path.exists():
        return ()
    document = read(path, WaiverError, missing="readygate init")
    problems = list(check_table(document, (), document.data, _keys(today)))
    entries = document.data.get("waiver", [])
    if not problems:
        problems = [*_each(document, entries, today), *_twice(document, entries)]
    if problems:
        raise WaiverError(problems)
    return tuple(Waiver(**{**entry, "expires": _day(entry["expires"]).isoformat()}) for entry in entries)


def attach(
    results: Iterable[CheckResult], waivers: Iterable[Waiver], today: date
) -> tuple[tuple[CheckResult, ...], tuple[Waiver, ...]]:
    """Put each waiver beside the result of its check; return the results, and the waivers that found none.

    Of several for one check the one for its outcome is taken, and the others count as unused.
    """
    left = list(waivers)
    attached = []
    for result in results:
        mine = [waiver for waiver in left if waiver.check == result.id]
        mine.sort(key=lambda waiver: (waiver.outcome != judged(result), date.fromisoformat(waiver.expires) < today))
        if mine:
            left.remove(mine[0])
        attached.append(replace(result, waiver=mine[0] if mine else None))
    return tuple(attached), tuple(left)


def _keys(today: date) -> Mapping[str, Node]:
    """What the file may hold; the sample of a day is one that is taken today."""
    sample = f"for example expires = {(today + LONGEST).isoformat()}"
    return {"waiver": tables({**_WAIVER, "expires": replace(_WAIVER["expires"], sample=sample)})}


def _each(document: Document, entries: Iterable[Mapping[str, Json]], today: date) -> Iterator[Problem]:
    for index, entry in enumerate(entries):
        path = ("waiver", index)
        for key, value in entry.items():
            if isinstance(value, str) and not value.strip():
                yield document.problem((*path, key), "must not be empty")
        if not _ID.fullmatch(entry["check"]):
            yield document.problem((*path, "check"), f'must be the id of one check, is "{entry["check"]}"')
        if entry["outcome"] not in ("failed", "unverified"):
            message = f'must be "failed" or "unverified", is "{entry["outcome"]}"'
            yield document.problem((*path, "outcome"), message)
        if entry["owner"].strip() and entry["owner"].strip().casefold() == entry["approver"].strip().casefold():
            yield document.problem((*path, "approver"), "must be somebody else than the owner")
        if wrong := _wrong_day(entry["expires"], today):
            yield document.problem((*path, "expires"), wrong)


def _twice(document: Document, entries: Iterable[Mapping[str, Json]]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(entries):
        first = seen.setdefault((entry["check"], entry["outcome"]), index)
        if first != index:
            message = f"waives {entry['check']} {entry['outcome']} once more; waiver {first + 1} does already"
            yield document.problem(("waiver", index), message)


def _wrong_day(value: Json, today: date) -> str | None:
    try:
        day = _day(value)
    except ValueError:
        shown = f'"{value}"' if isinstance(value, str) else value
        return f"must be a date such as {(today + LONGEST).isoformat()}, is {shown}"
    if day > today + LONGEST:
        days, last = (day - today).days, (today + LONGEST).isoformat()
        return f"is {days} days ahead, the longest is {LONGEST.days} (until {last})"
    return None


def _day(value: Json) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return date.fromisoformat(value if isinstance(value, str) else "")
