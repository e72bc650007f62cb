"""The migrations that this release brings, read from its own package."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

FOLDER = Path(__file__).with_name("migrations")
_NAME = re.compile(r"(?P<version>\d{4})_(?P<phase>expand|contract)_(?P<name>[a-z0-9_]+)\.sql")

# What a semicolon does not end a statement in, and a semicolon. Bodies written as BEGIN ATOMIC are not known here.
_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?\*/|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|;",
    re.DOTALL,
)
_COMMENT = re.compile(r"\s*(?:--[^\n]*(?:\n|$)|/\*.*?\*/)?", re.DOTALL)

Phase = Literal["expand", "contract"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file, counted from 1, and the line it begins on."""

    number: int
    line: int
    sql: str

    def __str__(self) -> str:
        shown = " ".join(self.sql.split())
        return f"statement {self.number} in line {self.line} ({shown[:57] + '...' if len(shown) > 60 else shown})"


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file; `checksum` is the sha256 of its bytes."""

    version: int
    phase: Phase
    name: str
    sql: str
    checksum: str

    @property
    def file(self) -> str:
        """The name of the file it was read from."""
        return f"{self.version:04d}_{self.phase}_{self.name}.sql"

    def statements(self) -> Iterator[Statement]:
        """The statements in their order, without the comments before them."""
        number = begin = 0
        ends = [match.end() for match in _TOKEN.finditer(self.sql) if match[0] == ";"]
        for end in (*ends, len(self.sql)):
            begin = _first_word(self.sql, begin)
            sql = self.sql[begin:end].rstrip().removesuffix(";")
            if sql:
                number += 1
                yield Statement(number, self.sql.count("\n", 0, begin) + 1, sql)
            begin = end


def read(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """All migrations in order; raises ValueError on a badly named file or a version used twice."""
    migrations: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"migration {path.name}: the name must look like 0007_expand_add_language.sql")
        content = path.read_bytes()
        migrations.append(
            Migration(
                version=int(match["version"]),
                phase=cast("Phase", match["phase"]),
                name=match["name"],
                sql=content.decode("utf-8"),
                checksum=hashlib.sha256(content).hexdigest(),
            )
        )
    versions = [migration.version for migration in migrations]
    if len(set(versions)) != len(versions):
        raise ValueError(f"migrations {sorted({v for v in versions if versions.count(v) > 1})}: version used twice")
    return tuple(migrations)


def _first_word(sql: str, begin: int) -> int:
    """Where the first thing at or after `begin` is that is neither space nor comment."""
    while (match := _COMMENT.match(sql, begin)) and match.end() > begin:
        begin = match.end()
    return begin


def required_version() -> int:
    """The schema version without which this release cannot serve: its newest expand migration."""
    return max(migration.version for migration in read() if migration.phase == "expand")
