"""Restores the database from the backup repository alone: all of the archive, or up to a time.

Run it on a clean host, or after the database was stopped. It leaves the database and the backup service running, out of
recovery, archiving, with the passwords of today's secrets; `docker compose up -d` then starts whoever uses it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from procedures import environment, interruption, shell
from procedures.arguments import Parser
from procedures.backup_list import Backup
from procedures.commands import Argv, Compose
from procedures.lock import held
from procedures.outcome import Outcome
from procedures.procedure import in_one_line
from procedures.progress import Stopwatch, say
from procedures.record import keep, state_folder
from procedures.refusal import Refused
from procedures.repository import Repository, said, target_of
from procedures.restored import BACKUP, DATABASE, Restored
from procedures.settings import Settings
from procedures.system import Run, System
from procedures.token import secrets_folder

RESTORE_S = 6 * 3600.0
_MIB = 1024 * 1024
# The state of the data directory and the room beside it, what the repository holds, and a line for each segment that is missing
# on the way from a backup to the end.
# pgBackRest restores pg_control last.
_LOOK = """
pgbackrest-configure || exit
data=none
if [ -e "$PGDATA/global/pg_control" ]; then data=whole; elif [ -e "$PGDATA" ]; then data=unfinished; fi
printf '{"data": "%s", "free": %s}\\n' "$data" "$(df -B1 --output=avail "${PGDATA%/*}" | tail -n 1)"
pgbackrest --stanza=docjobs --output=json info | tr '\\n' ' '
echo
pgbackrest --stanza=docjobs --recurse --output=json --filter='[.]history$' repo-ls archive/docjobs 2> /dev/null | tr '\\n' ' '
echo
backup-repository gaps || echo '* unknown'
"""


@dataclass(slots=True)
class Restore:
    """One restore on its way. `to` is the time as the operator wrote it, empty for the end of the archive; `aside`: a data
    directory that is there is kept beside the new one."""

    to: str
    aside: bool = False
    dry_run: bool = False
    watch: Stopwatch = field(default_factory=Stopwatch)
    details: dict[str, Any] = field(default_factory=dict)

    def carried_out(self, system: System, folder: Path) -> Outcome:
        """Look, restore, wait and verify. Raises Refused, StepFailed, CommandFailed or OSError."""
        with self.watch.phase("look"):
            restored = self._begun(system)
        if self.dry_run:
            return replace(
                self.outcome("planned"), plan=(self._command(restored), system.compose.up((DATABASE, BACKUP)))
            )
        with self.watch.phase("restore"):
            system.do(self._command(restored), "pgBackRest does not restore the backup", timeout_s=RESTORE_S)
        seconds = max(self.watch.phases["restore"], 0.001)
        self.details["mib_per_s"] = round(restored.backup.bytes / _MIB / seconds, 1)
        try:
            self._brought_back(restored, folder)
        except Exception:
            # Otherwise the engine would start it again and again, and whoever waits for it would believe in it.
            interruption.ignored()
            system.ask(system.compose.halt((DATABASE, BACKUP)))
            raise
        return self.outcome("restored")

    def outcome(self, result: Any, reason: str = "") -> Outcome:  # noqa: ANN401  (a Result)
        """How it ended, with what is known so far."""
        phases, seconds = dict(self.watch.phases), self.watch.seconds()
        return Outcome("restore", "", result, reason=reason, phases=phases, seconds=seconds, details=self.details)

    def _begun(self, system: System) -> Restored:
        target = target_of(self.to, datetime.now(UTC)) if self.to else None
        alive = system.ask(system.compose.alive((DATABASE, BACKUP)))
        if not alive.ok:
            raise Refused("the engine does not say what runs: " + " ".join(alive.last_lines(1)), "readygate doctor")
        if alive.stdout.split():
            stop = " ".join(system.compose.halt((DATABASE, BACKUP)))
            raise Refused("the database or the backup service is running", stop)
        answer = system.ask(system.compose.once(DATABASE, "sh", "-c", _LOOK))
        first, info, histories, *gaps = [*answer.stdout.splitlines(), "", "", ""]
        if not answer.ok or not first.startswith("{"):
            raise Refused("the repository cannot be looked at: " + " ".join(answer.last_lines(1)), "make setup")
        repository, there = Repository.read(info, histories.strip() or "{}"), json.loads(first)
        backup = repository.backup_for(target)
        self.details |= {"target": said(target) if target else "end of the archive"}
        self.details |= {"backup": backup.id, "backup_bytes": backup.bytes, "last_wal": repository.last_wal}
        ways = [line.split() for line in gaps if line]
        if ["*", "unknown"] in ways:
            raise Refused("pgBackRest does not say which WAL is archived", "scripts/verify-backups.sh")
        missing = [] if target else [segment for label, segment in ways if label == backup.id]
        if missing:
            raise Refused(
                f"of the archived WAL {len(missing)} segments are missing, the first is {missing[0]}, and PostgreSQL would "
                "take the gap for the end",
                "take another copy of the repository, or go back to before the gap with --to",
            )
        self._demand_room(there, backup)
        return Restored(system, repository, backup, target)

    def _demand_room(self, there: dict[str, Any], backup: Backup) -> None:
        if there["data"] == "whole" and not self.aside:
            raise Refused(
                "there is a database in the data directory already",
                "--aside, which keeps it beside the new one, as PGDATA.before-<now>",
            )
        if there["free"] < backup.bytes:
            free, needed = there["free"] // _MIB, backup.bytes // _MIB
            raise Refused(
                f"{free} MiB are free in the database's volume, and the backup takes {needed}", "make room there"
            )

    def _command(self, restored: Restored) -> Argv:
        compose, target = restored.system.compose, restored.target
        if target is None:
            return compose.restore()
        return compose.restore(said(target), restored.repository.timeline_at(target, restored.backup))

    def _brought_back(self, restored: Restored, folder: Path) -> None:
        system = restored.system
        with self.watch.phase("start"):
            system.do(system.compose.up((DATABASE,)), "the database does not start")
        with self.watch.phase("recover"):
            restored.recovered()
        with self.watch.phase("verify"):
            self.details |= restored.examined()
            restored.aligned(folder)
            restored.archiving()
            system.do(system.compose.up((BACKUP,)), "the backup service does not start")


def restore(to: str = "", *, aside: bool = False, dry_run: bool = False, run: Run = shell.run) -> Outcome:
    """Do what was asked for; always an Outcome, and a line in the audit log unless it was a dry run."""
    asked = Restore(to, aside, dry_run)
    with interruption.as_failure():
        try:
            system = System(run, Compose.of(), environment.locate(), Settings.of())
            with held(state_folder() / "lock", f"restore {to}".strip()):
                outcome = asked.carried_out(system, secrets_folder())
        except Exception as error:  # noqa: BLE001  (whatever it is, the last line says it)
            outcome = asked.outcome("refused" if isinstance(error, Refused) else "failed", in_one_line(error))
        return outcome if dry_run else keep(outcome, evidence={}, system=None)


def main(arguments: list[str]) -> int:
    """Run the command line; exit status 0 restored or planned, 1 failed, 2 refused. The last line on stdout is the result."""
    parser = Parser("restore", prog="scripts/restore-production.sh", description=__doc__)
    parser.add_argument(
        "--to", metavar="TIME", default="", help="up to this time, with its zone: '2026-11-23 15:00:00+00'"
    )
    parser.add_argument("--aside", action="store_true", help="keep the data directory that is there beside the new one")
    parser.add_argument("--dry-run", action="store_true", help="look, print the plan, and change nothing")
    given = parser.parse_args(arguments)
    outcome = restore(given.to, aside=given.aside, dry_run=given.dry_run)
    say(f"{outcome.result} in {outcome.seconds:.1f} s" + (f": {outcome.reason}" if outcome.reason else ""))
    sys.stdout.write(outcome.line() + "\n")
    return outcome.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
