"""The database after a restore: whether it came out of recovery where it should, is whole again, and is this instance's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from procedures.backup_list import Backup
from procedures.refusal import StepFailed
from procedures.repository import Repository, falls_short, said
from procedures.rotation import SILENT
from procedures.system import System, object_in
from procedures.waiting import until

DATABASE, BACKUP = "database", "backup"
# Who logs in with a password, by the secret that holds it.
PASSWORDS = {
    "db_owner_password": "docjobs_owner",
    "db_app_password": "docjobs_app",
    "db_readonly_password": "docjobs_readonly",
    "db_exporter_password": "docjobs_exporter",
}
RECOVERY_S = 3600.0
ARCHIVED_S = 90.0
_LOOK = """
SELECT json_build_object(
    'system_id', (SELECT system_identifier::text FROM pg_control_system()),
    'timeline', (SELECT timeline_id FROM pg_control_checkpoint()),
    'reached', pg_last_wal_replay_lsn()::text,
    'last_change', pg_last_xact_replay_timestamp()::text,
    'archive_mode', current_setting('archive_mode'),
    'database_bytes', pg_database_size(current_database()));
"""
# What a crash of the checkpointer's clock would delay: see docs/decisions/0008-archiving-after-a-crash.md.
_ARCHIVE = "CHECKPOINT; SELECT pg_switch_wal();"
# Before the first migration there is no such table, and nobody who would look into it.
_LIVE = """
SELECT format('UPDATE docjobs.deployment SET active_colour = %1$L WHERE active_colour <> %1$L', :'colour')
WHERE to_regclass('docjobs.deployment') IS NOT NULL \\gexec
"""
_ARCHIVED = """
SELECT json_build_object('segment', coalesce(last_archived_wal, ''), 'failed', failed_count,
    'archived', coalesce(last_archived_wal ~ '^[0-9A-F]{24}$', false)) FROM pg_stat_archiver;
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored database of an instance that has been started: `backup` is what was restored, up to `target`."""

    system: System
    repository: Repository
    backup: Backup
    target: datetime | None

    def recovered(self, within_s: float = RECOVERY_S) -> None:
        """Wait until all WAL is replayed and the database takes writes. StepFailed with PostgreSQL's words when it gives up."""
        compose = self.system.compose

        def out_of_recovery() -> bool | None:
            answer = self.system.ask(compose.database_state())
            if answer.ok and answer.stdout.strip() == "f":
                return True
            if end := self._gave_up():
                raise StepFailed(end)
            return None

        until(
            out_of_recovery,
            within_s=within_s,
            every_s=self.system.settings.poll_s,
            saying=lambda: "the database is still in recovery; it was not ready",
        )

    def examined(self) -> dict[str, Any]:
        """What it says of itself; StepFailed when it is another database, or its recovery ended too early."""
        found = object_in(self._sql(_LOOK, "the restored database does not answer"))
        expected = self.backup.system_id
        if found["system_id"] != expected:
            raise StepFailed(
                f"the database is {found['system_id']}, and the backup is of {expected}: not what was asked for"
            )
        if found["archive_mode"] != "on":
            raise StepFailed("the restored database does not archive its WAL (archive_mode is off)")
        last = self.repository.last_wal
        if self.target is None and last and falls_short(str(found["reached"] or "0/0"), last):
            raise StepFailed(
                f"recovery ended at {found['reached']}, before the newest archived segment {last}: one in between is missing "
                f"or broken. The database is as of {found['last_change']}; what came later is lost unless another copy of the "
                "repository has the segment"
            )
        return found

    def aligned(self, folder: Path) -> None:
        """Let what is declared today hold in a database of an earlier day: the passwords in the secrets and the live colour.

        Without that a password rotated, or a release deployed, since then would lock the services out, or leave them idle.
        """
        statements = [SILENT]
        for secret, role in PASSWORDS.items():
            password = (folder / secret).read_text(encoding="ascii").strip().replace("'", "''")
            statements.append(f"ALTER ROLE {role} PASSWORD '{password}';")
        statements.append(f"\\set colour {self.system.live().colour}")
        statements.append(_LIVE)
        answer = self.system.ask(self.system.compose.sql(), text="\n".join(statements) + "\n")
        if not answer.ok:  # what it said might hold a password
            raise StepFailed(f"the database does not take the passwords of the secrets (exit status {answer.status})")

    def archiving(self) -> None:
        """Wait until a segment of the new timeline is in the archive; StepFailed when none is."""
        self._sql(_ARCHIVE, "the restored database does not switch to a new WAL segment")
        seen: dict[str, Any] = {}

        def archived() -> bool | None:
            seen.update(object_in(self._sql(_ARCHIVED, "the restored database does not say what it has archived")))
            return True if seen["archived"] else None

        until(
            archived,
            within_s=ARCHIVED_S,
            every_s=self.system.settings.poll_s,
            saying=lambda: f"the restored database archived no segment ({seen.get('failed', 0)} attempts failed)",
        )

    def _sql(self, text: str, otherwise: str) -> Any:  # noqa: ANN401  (Completed, as `ask` returns it)
        return self.system.ask(self.system.compose.sql(), text=text).check(otherwise)

    def _gave_up(self) -> str:
        """Why PostgreSQL ended instead of recovering; empty while it has not."""
        found = self.system.database()
        if found and found.running and not found.restarts:
            return ""
        lines = self.system.ask(self.system.compose.logged(DATABASE, 60)).stdout.splitlines()
        fatal = [line for line in lines if "FATAL:  " in line or "PANIC:  " in line]
        why = fatal[-1].partition("  ")[2].strip() if fatal else self.system.last_words(DATABASE) or "it said nothing"
        if "before configured recovery target" in why and self.target:
            return f"the archive ends before {said(self.target)}, or a segment on the way is missing: {why}"
        return f"PostgreSQL does not recover: {why}"
