"""[database] kept_settings of readiness.toml: what the database itself keeps for sessions of a role, or of a database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gate.toml_error import Document, Problem

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_STATEMENT = re.compile(
    rf"ALTER\s+(?:(?:ROLE|USER)\s+(?P<role>{_NAME})(?:\s+IN\s+DATABASE\s+(?P<within>{_NAME}))?|DATABASE\s+(?P<database>{_NAME}))"
    r"\s+SET\s+(?P<name>[\w.]+)\s*(?:=|\sTO\s)\s*(?P<value>\S.*?)\s*;?",
    re.IGNORECASE | re.DOTALL,
)
_KEY = ("database", "kept_settings")


@dataclass(frozen=True, slots=True, order=True)
class KeptSetting:
    """One setting; without `role` of every role, without `database` in every database."""

    role: str
    database: str
    name: str
    value: str

    @property
    def whose(self) -> str:
        """The statement that gives it, without its value."""
        if not self.role and self.database:
            return f"ALTER DATABASE {self.database} SET {self.name}"
        within = f" IN DATABASE {self.database}" if self.database else ""
        return f"ALTER ROLE {self.role or 'ALL'}{within} SET {self.name}"

    def __str__(self) -> str:
        return f"{self.whose} = '{self.value}'"


def kept(statement: str) -> KeptSetting:
    """The setting that an ALTER ROLE or ALTER DATABASE gives. Pure. Raises ValueError for any other statement."""
    found = _STATEMENT.fullmatch(statement.strip())
    if found is None:
        raise ValueError(f"{statement!r} is no ALTER ROLE … SET or ALTER DATABASE … SET of one value")
    role = "" if (found["role"] or "").upper() == "ALL" else _plain(found["role"])
    value = found["value"]
    if value[:1] == value[-1:] == "'" and len(value) > 1:
        value = value[1:-1].replace("''", "'")
    return KeptSetting(role, _plain(found["within"] or found["database"]), found["name"].lower(), value)


def kept_problems(document: Document) -> Iterator[Problem]:
    """Statements of the key that give no setting."""
    for statement in (document.data.get("database") or {}).get("kept_settings") or ():
        try:
            kept(statement)
        except ValueError as error:
            yield document.problem(_KEY, f"{error}; for example: ALTER ROLE orders SET statement_timeout = '30s'")


def _plain(name: str | None) -> str:
    """A name as the database keeps it: folded to small letters unless it is quoted."""
    if name is None:
        return ""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
