"""The migrations that this release brings, read from its own package."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

FOLDER = Path(__file__).with_name("migrations")
_NAME = re.compile(r"(?P<version>\d{4})_(?P<phase>expand|contract)_(?P<name>[a-z0-9_]+)\.sql")

Phase = Literal["expand", "contract"]


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file; `checksum` is the sha256 of its bytes."""

    version: int
    phase: Phase
    name: str
    sql: str
    checksum: str


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


def required_version() -> int:
    """The schema version without which this release cannot serve: its newest expand migration."""
    return max(migration.version for migration in read() if migration.phase == "expand")
