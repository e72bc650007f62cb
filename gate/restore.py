"""[restore] of readiness.toml: what survives the loss of a host, and how it is seen that everything came back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gate.model import Json
from gate.toml_error import Document, Problem


@dataclass(frozen=True, slots=True)
class RestoreTable:
    """`volumes`: of the compose file, with the backup repository, all that survives of the machine; `secrets`: patterns of
    the files that survive elsewhere; `runbook`: the file whose marked blocks of commands are carried out; `invariants`: queries
    that answer the same before and after, by what they ask."""

    volumes: tuple[str, ...]
    runbook: str
    secrets: tuple[str, ...] = ("*",)
    invariants: Mapping[str, str] = field(default_factory=dict)


def restore_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with [restore] beyond names and types."""
    data = document.data.get("restore")
    if not isinstance(data, dict):
        return
    commands: Json = document.data.get("commands") or {}
    for name in ("restore", "restore_to"):
        if name not in commands:
            yield document.problem(("restore",), f"needs [commands] {name}, by which the database comes back")
    if "database" not in document.data:
        yield document.problem(("restore",), "needs [database], where it is seen what came back")
    for name, sql in (data.get("invariants") or {}).items():
        if isinstance(sql, str) and not sql.strip().upper().startswith(("SELECT", "WITH", "TABLE", "VALUES")):
            yield document.problem(("restore", "invariants", name), "must be a query that only reads")
