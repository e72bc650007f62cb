"""The backup repository of an instance, or a copy of it: what it says of itself, asked by pgBackRest and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from procedures.refusal import Refused, StepFailed
from procedures.shell import Completed
from procedures.system import System
from procedures.visible import visible

TAKE_ONE = "scripts/backup-production.sh full"
_ASK_TIMEOUT_S = 120.0
_READ_TIMEOUT_S = 6 * 3600.0
_LOOK = "docker compose logs --tail 20 backup"
_KEY = "see that the secret backup_cipher_passphrase is the one it was made with, and that its files can be read"
# pgBackRest's own codes: no stanza, and a stanza without backups.
_EMPTY = (1, 2)
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
    archive: str
    system_id: str
    broken: bool

    def values(self) -> dict[str, Any]:
        """What is said about it, for JSON."""
        finished = datetime.fromtimestamp(self.finished, UTC).isoformat()
        return {
            "id": self.id,
            "type": self.kind,
            "finished": finished,
            "bytes": self.bytes,
            "repository_bytes": self.repository_bytes,
            "wal_start": self.wal_start,
            "wal_stop": self.wal_stop,
            "system_id": self.system_id,
        }


@dataclass(frozen=True, slots=True)
class Store:
    """`copy` is empty for the instance's own. Everything raises CommandFailed when pgBackRest cannot be asked."""

    system: System
    copy: str = ""

    @classmethod
    def named(cls, system: System, copy: str) -> Store:
        """The instance's own, or a copy that is there. Refused for a folder or volume that is not."""
        if "/" in copy and not Path(copy).is_absolute():
            raise Refused(f"{copy} is neither a volume nor the absolute path of a folder", f"--repository $PWD/{copy}")
        if "/" in copy and not Path(copy).is_dir():
            raise Refused(f"there is no folder {copy}", "ls -d the path of the copy")
        if copy and "/" not in copy and not system.ask(("docker", "volume", "inspect", copy)).ok:
            raise Refused(f"there is no volume {copy}", "docker volume ls")
        return cls(system, copy)

    def backups(self) -> list[Backup]:
        """Every backup in it, the oldest first; none in an empty one. Refused when it cannot be read."""
        words = ("pgbackrest", "--stanza=docjobs", "--output=json", "info")
        argv = self.system.compose.on_repository(self.copy, *words)
        answer = self.system.do(argv, "the backup repository does not answer", mend=_KEY, timeout_s=_ASK_TIMEOUT_S)
        text = answer.stdout or "[]"
        try:
            stanzas = json.loads(text, strict=False)  # a wrong key's message quotes the file as the key made it
        except ValueError:
            raise Refused(f"the backup repository cannot be read: {visible(text)[-_SAID:]}", _KEY) from None
        status = stanzas[0]["status"] if stanzas else {"code": 1, "message": "no stanza"}
        if status["code"] not in (0, *_EMPTY):
            told = [repo["status"]["message"] for repo in stanzas[0].get("repo", ()) if repo["status"]["code"]]
            reason = visible((told or [status["message"]])[0].splitlines()[0])[:_SAID]
            raise Refused(f"the backup repository cannot be read: {reason}", _KEY)
        return [_backup(each, stanzas[0]) for each in stanzas[0]["backup"]] if stanzas else []

    def some_backups(self) -> list[Backup]:
        """The same; Refused when there are none."""
        found = self.backups()
        if not found:
            raise Refused("the backup repository holds no backup", TAKE_ONE)
        return found

    def verified(self) -> dict[str, Any]:
        """What `backup-repository verify` says when it has read every file. The scheduler publishes what it said of its own."""
        record = () if self.copy else ("--record",)
        argv = self.system.compose.on_repository(self.copy, "backup-repository", "verify", *record)
        return self._answer(self.system.stream(argv, timeout_s=_READ_TIMEOUT_S), "the repository cannot be verified")

    def expired(self, *words: str) -> dict[str, Any]:
        """What `backup-repository expire` says when it has read every file and removed what is old, or refused to."""
        command = ("backup-repository", "expire", *words)
        # In the scheduler's own container, because its lock keeps backups and expiry apart.
        compose = self.system.compose
        argv = compose.on_repository(self.copy, *command) if self.copy else compose.inside("backup", *command)
        return self._answer(self.system.stream(argv, timeout_s=_READ_TIMEOUT_S), "nothing was removed")

    def _answer(self, done: Completed, otherwise: str) -> dict[str, Any]:
        """The object that it printed; its exit status says the same once more. StepFailed when it printed none."""
        last = (done.stdout.splitlines() or [""])[-1]
        if not last.startswith("{"):
            why = " ".join(done.last_lines(1)).strip() or done.status
            raise StepFailed(f"{otherwise}: {why}. To mend it: {_LOOK}")
        said: dict[str, Any] = json.loads(last)
        return said


def _backup(said: Mapping[str, Any], stanza: Mapping[str, Any]) -> Backup:
    database = said["database"]["id"]
    systems = {each["id"]: str(each["system-id"]) for each in stanza["db"]}
    archives = {each["database"]["id"]: each["id"] for each in stanza["archive"]}
    return Backup(
        id=said["label"],
        kind=said["type"],
        finished=int(said["timestamp"]["stop"]),
        bytes=int(said["info"]["size"]),
        repository_bytes=int(said["info"]["repository"].get("delta") or 0),
        wal_start=said["archive"]["start"] or "",
        wal_stop=said["archive"]["stop"] or "",
        archive=archives.get(database, ""),
        system_id=systems.get(database, ""),
        broken=bool(said.get("error")),
    )
