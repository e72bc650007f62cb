"""[backup] of readiness.toml: where the repository of the database's backups is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.model import Json
from gate.toml_error import Document, Problem, unknown


@dataclass(frozen=True, slots=True)
class BackupTable:
    """`service`: in whose containers the repository is; `repository`: its folder there, on a volume; `wal`: the folder where
    archived WAL segments lie, files whose names begin with the segment's; `key`: the compose file's secret without which
    nothing in the repository can be read."""

    service: str
    repository: str
    wal: str | None = None
    key: str | None = None


def offered(table: BackupTable | None, *, own_secrets: bool) -> dict[str, bool]:
    """What checks may need of the table; another key can only be tried where each stack has secrets of its own."""
    return {
        "backup": table is not None,
        "backup.wal": table is not None and table.wal is not None,
        "backup.key": table is not None and table.key is not None and own_secrets,
    }


def backup_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with [backup] beyond names and types."""
    data: Json = document.data.get("backup")
    if not isinstance(data, dict):
        return
    services = [service for named in (document.data.get("roles") or {}).values() for service in named]
    service = data.get("service")
    if service and services and service not in services:
        yield document.problem(
            ("backup", "service"), f'"{service}" has no role: {unknown("service", service, services)}'
        )
    for key in ("repository", "wal"):
        path = data.get(key)
        if path and not path.startswith("/"):
            yield document.problem(
                ("backup", key), f'must be the absolute path of a folder in the container, is "{path}"'
            )
    for name in ("backup", "list_backups", "verify_backups"):
        if name not in (document.data.get("commands") or {}):
            yield document.problem(
                ("backup",), f"needs [commands] {name}, by which it is seen what is in the repository"
            )
