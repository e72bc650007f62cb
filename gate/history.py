"""Earlier runs, in one SQLite file beside their folders: for trends, for what moved, for the page over all runs.

What is in it was read from results.json files, and is read from them anew when the file is lost. No run waits for it or
fails by it: a history that cannot be used is a HistoryError, which its callers turn into a sentence.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gate import compare, results
from gate.errors import UsageError
from gate.model import Earlier, Run, Verdict
from gate.verdict import judged

FILE = "history.sqlite"
SHOWN = 10  # earlier runs of which a report shows numbers
_VERSION = 1
_WAIT_S = 10  # for another run that writes
_TABLES = """
create table if not exists runs (
    id text primary key, started text not null, decision text not null, sealed integer not null, target text not null,
    profile text not null, machine text not null, narrowed text not null, release text not null, gate text not null,
    seconds real not null, counts text not null, not_passed text not null);
create table if not exists numbers (
    run text not null references runs(id) on delete cascade, name text not null, unit text not null, value real not null,
    bound real, bound_name text not null, primary key (run, name));
create index if not exists runs_started on runs(started);
"""


class HistoryError(UsageError):
    """The history cannot be read or written; its text names the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run as the history tells of it. `narrowed` is empty for a whole run; `counts` are those of its verdict."""

    id: str
    started: str
    decision: str
    sealed: bool
    target: str
    profile: str
    machine: str
    narrowed: str
    release: str
    gate: str
    seconds: float
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Number:
    """A measurement over all runs: "check name (unit)", and value and limit by run."""

    name: str
    unit: str
    limit_name: str
    by_run: dict[str, tuple[float, float]]


class History:
    """The runs below one folder, `.readygate` of a system. Every method raises HistoryError when the file refuses."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._runs = folder / "runs"

    def add(self, run: Run, verdict: Verdict) -> None:
        """Keep what a run found; once more the same run replaces it."""
        with self._open() as database:
            _add(database, run, verdict)

    def past(self, run: Run) -> tuple[Earlier, ...]:
        """The last ten finished runs before this one that it may be compared with, oldest first."""
        with self._open() as database:
            found = database.execute(
                "select id, started, decision, release, not_passed from runs where sealed and id <> ? and started <= ?"
                " and target = ? and profile = ? and machine = ? and narrowed = ? order by started desc limit ?",
                (run.id, run.started, *_kind(run), SHOWN),
            ).fetchall()
            return tuple(_earlier(database, row) for row in reversed(found))

    def entries(self) -> tuple[Entry, ...]:
        """All runs, newest first."""
        columns = "id, started, decision, sealed, target, profile, machine, narrowed, release, gate, seconds, counts"
        with self._open() as database:
            rows = database.execute(f"select {columns} from runs order by started desc, id desc").fetchall()  # noqa: S608
        return tuple(_entry(row) for row in rows)

    def measured(self) -> tuple[Number, ...]:
        """Every measurement that has a limit, with its value and limit in each run."""
        with self._open() as database:
            rows = database.execute(
                "select name, unit, run, value, bound, bound_name from numbers where bound is not null order by name"
            ).fetchall()
        found: dict[tuple[str, str], Number] = {}
        for name, unit, run, value, bound, bound_name in rows:
            number = found.setdefault((name, bound_name), Number(name, unit, bound_name, {}))
            number.by_run[run] = value, bound
        return tuple(found.values())

    def catch_up(self) -> list[str]:
        """Add the runs on disk that it does not know, and return a sentence about each whose results cannot be read."""
        known = {entry.id for entry in self.entries()}
        problems = []
        for path in sorted(self._runs.glob("*/results.json")):
            if path.parent.is_symlink() or path.parent.name in known:
                continue
            try:
                self.add(*results.read(path))
            except results.ResultsError as error:
                problems.append(str(error))
        return problems

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _connected(self.path) as database, database:
                yield database
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(
                f"{self.path}: cannot be used ({error})", f"mv {self.path} {self.path}.broken; readygate history"
            ) from error


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(path, timeout=_WAIT_S)
    try:
        (version,) = database.execute("pragma user_version").fetchone()
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"version {version}, this gate knows {_VERSION}")
        database.execute("pragma foreign_keys = on")
        database.executescript(_TABLES)
        database.execute(f"pragma user_version = {_VERSION}")
        yield database
    finally:
        database.close()


def _add(database: sqlite3.Connection, run: Run, verdict: Verdict) -> None:
    database.execute("delete from runs where id = ?", (_text(run.id),))
    release = run.target.get("release")
    candidate = release.get("candidate", "") if isinstance(release, dict) else ""
    target, profile, machine, narrowed = _kind(run)
    not_passed = [check.id for check in run.checks if judged(check) in ("failed", "unverified")]
    values = (
        _text(run.id), _text(run.started), verdict.decision.value, int(run.sealed), target, profile, machine, narrowed,
        _text(str(candidate)), _text(run.gate_version), run.seconds if math.isfinite(run.seconds) else 0.0,
        json.dumps(verdict.counts), json.dumps(not_passed),
    )  # fmt: skip
    database.execute("insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    for check in run.checks:
        for each in check.measurements:
            if math.isfinite(each.typical):
                bound = each.limit if each.limit is not None and math.isfinite(each.limit) else None
                name = _text(compare.name(check.id, each))
                row = (_text(run.id), name, _text(each.unit), each.typical, bound, _text(each.limit_name))
                database.execute("insert or replace into numbers values (?, ?, ?, ?, ?, ?)", row)


def _entry(row: tuple[Any, ...]) -> Entry:
    entry = Entry(*row)
    return replace(entry, sealed=bool(entry.sealed), counts=json.loads(row[-1]))


def _earlier(database: sqlite3.Connection, row: tuple[str, str, str, str, str]) -> Earlier:
    run, started, decision, release, not_passed = row
    numbers = database.execute("select name, value, bound from numbers where run = ? and bound is not null", (run,))
    found = numbers.fetchall()
    return Earlier(
        id=run,
        started=started,
        decision=decision,
        release=release,
        numbers={name: value for name, value, _ in found},
        limits={name: bound for name, _, bound in found},
        not_passed=tuple(json.loads(not_passed)),
    )


def _kind(run: Run) -> tuple[str, str, str, str]:
    """What has to be the same before two runs' numbers may be compared."""
    return _text(str(run.target.get("name", ""))), _text(run.profile), compare.machine(run), _text(run.narrowed or "")


def _text(text: str) -> str:
    """The text as SQLite can hold it: half of a character that came alone is no text."""
    return text.encode("utf-8", "replace").decode()
