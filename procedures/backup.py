"""Takes a backup of the database, and believes that there is one only when the repository itself says so."""

from __future__ import annotations

import argparse
import json
import sys

from procedures import shell
from procedures.backup_list import Backup
from procedures.backup_store import Store
from procedures.ending import Result, Values, carried_out
from procedures.progress import say
from procedures.refusal import StepFailed
from procedures.system import Run, System, object_in

KINDS = ("full", "diff", "incr")
_TIMEOUT_S = 12 * 3600.0
_LOOK = "docker compose logs --tail 20 backup database"
_DATABASE = "SELECT system_identifier, (SELECT sum(pg_database_size(oid)) FROM pg_database) FROM pg_control_system();"
_START = "docker compose -f docker-compose.prod.yml up -d backup"
_LEAST = 0.5  # of the database's files must be in its backup: some are left out on purpose, such as temporary ones


def taken(system: System, kind: str) -> tuple[Result, Values]:
    """Take one. StepFailed when the repository has no new one afterwards, or one of something else than this database."""
    store = Store(system)
    before = {backup.id for backup in store.backups()}
    _tell_of_another(system)
    argv = system.compose.inside("backup", "backup-now", kind)
    answer = system.stream(argv, timeout_s=_TIMEOUT_S)
    if not answer.ok:
        errors = [line for line in answer.last_lines() if "ERROR:" in line] or answer.last_lines(1)
        raise StepFailed(
            f"no {kind} backup was taken: {' '.join(errors).strip() or answer.status}. To mend it: {_LOOK}"
        )
    said = object_in(answer)
    new = [backup for backup in store.backups() if backup.id not in before]
    if not new:
        raise StepFailed(f"the backup was reported as taken, and the repository holds no new one. To mend it: {_LOOK}")
    _demand_this_database(system, new[-1])
    return "done", {**new[-1].values(), "backup_seconds": said.get("seconds")}


def _tell_of_another(system: System) -> None:
    """backup-now waits for its turn, and what it says is kept until it ends."""
    argv = system.compose.inside("backup", "pgbackrest", "--stanza=docjobs", "--output=json", "info")
    (stanza, *_) = json.loads(system.do(argv, "the backup service does not answer", mend=_START).stdout, strict=False)
    if stanza["status"]["lock"]["backup"]["held"]:
        say("another backup is under way: waiting for its end")


def _demand_this_database(system: System, backup: Backup) -> None:
    argv = system.compose.sql()
    answer = system.ask(argv, text=_DATABASE).check("the database does not say which one it is", _LOOK)
    identifier, size = answer.stdout.strip().split("|")
    if backup.system_id != identifier:
        raise StepFailed(
            f"{backup.id} is a backup of another database: {backup.system_id}, and {identifier} runs. "
            "To mend it: see pg1-path in reference/backup/pgbackrest.conf"
        )
    if backup.bytes < _LEAST * int(size):
        raise StepFailed(
            f"{backup.id} holds {backup.bytes} bytes of a database of {size}. To mend it: scripts/verify-backups.sh"
        )


def main(arguments: list[str], run: Run = shell.run) -> int:
    """Exit status 0 when the new backup is in the repository, 1 when it is not, 2 when nothing was tried."""
    parser = argparse.ArgumentParser(prog="scripts/backup-production.sh", description=__doc__, epilog=main.__doc__)
    parser.add_argument("kind", nargs="?", default="diff", choices=KINDS, help="default: %(default)s")
    kind = parser.parse_args(arguments).kind
    return carried_out("backup", lambda system: taken(system, kind), run=run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
