"""What a backup repository says of itself: the text of `pgbackrest --output=json info` as backups. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from procedures.refusal import Refused
from procedures.visible import visible

KEY = "see that the secret backup_cipher_passphrase is the one it was made with, and that its files can be read"
# pgBackRest's own codes: all is well, no stanza, a stanza without backups, and a database that has no stanza.
_READ = (0, 1, 2, 3)
_SAID = 200  # characters of a message, which may quote what a wrong key made of a file


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: `bytes` of the database, the first and last WAL segment that it needs; `finished` in seconds since 1970."""

    id: str
    kind: str
    finished: int
    bytes: int
    repository_bytes: int
    wal_start: str
    wal_stop: str
    system_id: str
    broken: bool

    @property
    def stop(self) -> datetime:
        """When it was finished, in UTC."""
        return datetime.fromtimestamp(self.finished, UTC)

    def values(self) -> dict[str, Any]:
        """What is said about it, for JSON."""
        return {
            "id": self.id,
            "type": self.kind,
            "finished": self.stop.isoformat(),
            "bytes": self.bytes,
            "repository_bytes": self.repository_bytes,
            "wal_start": self.wal_start,
            "wal_stop": self.wal_stop,
            "system_id": self.system_id,
        }


@dataclass(frozen=True, slots=True)
class Listing:
    """`backups`, the oldest first; `last_wal` is the newest archived segment, empty without one."""

    backups: tuple[Backup, ...]
    last_wal: str


def read(text: str) -> Listing:
    """The listing; nothing of an empty repository. Refused when the repository cannot be read, or says something else."""
    try:
        stanzas = json.loads(text or "[]", strict=False)  # a wrong key's message quotes the file as the key made it
        if not stanzas:
            return Listing((), "")
        (stanza,) = stanzas
        if int(stanza["status"]["code"]) not in _READ:
            raise Refused(f"the backup repository cannot be read: {_why(stanza)}", KEY)
        backups = sorted((_backup(each, stanza) for each in stanza["backup"]), key=lambda backup: backup.finished)
        archived = [str(each["max"]) for each in stanza["archive"] if each.get("max")]
    except (ValueError, KeyError, TypeError):
        raise Refused(f"the backup repository cannot be read: {visible(text)[-_SAID:]}", KEY) from None
    return Listing(tuple(backups), max(archived, default=""))


def _why(stanza: Mapping[str, Any]) -> str:
    told = [repo["status"]["message"] for repo in stanza.get("repo", ()) if repo["status"]["code"]]
    return visible(str((told or [stanza["status"]["message"]])[0]).splitlines()[0])[:_SAID]


def _backup(said: Mapping[str, Any], stanza: Mapping[str, Any]) -> Backup:
    systems = {each["id"]: str(each["system-id"]) for each in stanza["db"]}
    return Backup(
        id=str(said["label"]),
        kind=str(said["type"]),
        finished=int(said["timestamp"]["stop"]),
        bytes=int(said["info"]["size"]),
        repository_bytes=int(said["info"]["repository"].get("delta") or 0),
        wal_start=said["archive"]["start"] or "",
        wal_stop=said["archive"]["stop"] or "",
        system_id=systems.get(said["database"]["id"], ""),
        broken=bool(said.get("error")),
    )
