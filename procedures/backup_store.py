"""The backup repository of an instance, or a copy of it: what it says of itself, asked by pgBackRest and by nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from procedures import backup_list
from procedures.backup_list import KEY, Backup
from procedures.refusal import Refused, StepFailed
from procedures.shell import Completed
from procedures.system import System

TAKE_ONE = "scripts/backup-production.sh full"
_ASK_TIMEOUT_S = 120.0
_READ_TIMEOUT_S = 6 * 3600.0
_LOOK = "docker compose logs --tail 20 backup"
_AGAIN = "wait for the end of the backup under way, then the same command again"


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
        answer = self.system.do(argv, "the backup repository does not answer", mend=KEY, timeout_s=_ASK_TIMEOUT_S)
        return list(backup_list.read(answer.stdout).backups)

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
        return self._answer(self.system.stream(argv, timeout_s=_READ_TIMEOUT_S), "nothing was removed", _AGAIN)

    def _answer(self, done: Completed, otherwise: str, mend: str = _LOOK) -> dict[str, Any]:
        """The object that it printed; its exit status says the same once more. StepFailed when it printed none."""
        last = (done.stdout.splitlines() or [""])[-1]
        if not last.startswith("{"):
            why = " ".join(done.last_lines(1)).strip() or done.status
            raise StepFailed(f"{otherwise}: {why}. To mend it: {mend}")
        said: dict[str, Any] = json.loads(last)
        return said
