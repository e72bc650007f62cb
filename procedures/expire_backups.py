"""Removes full backups, with what depends on them, beyond the newest N: for a repository that must be smaller before its time.

What is older than 14 days goes by itself, after each backup that succeeded (reference/backup/pgbackrest.conf)."""

from __future__ import annotations

import argparse
import sys

from procedures import shell
from procedures.backup_store import TAKE_ONE, Backup, Store
from procedures.ending import Result, Values, carried_out
from procedures.refusal import Refused, StepFailed
from procedures.system import Run, System
from procedures.verify_backups import verified


def expired(store: Store, keep: int) -> tuple[Result, Values]:
    """Remove them. Refused when what would be left is damaged: then the older one may be the last that is good."""
    result, found = verified(store)
    if result != "done":
        raise Refused(f"the repository is damaged, so nothing is removed: {found['reason']}", TAKE_ONE)
    before = store.backups()
    retention = ("--repo1-retention-full-type=count", f"--repo1-retention-full={keep}")
    system, compose = store.system, store.system.compose
    argv = compose.inside("backup", "pgbackrest", "--stanza=docjobs", *retention, "expire")
    if store.copy:
        argv = compose.pgbackrest(store.copy, *retention, "expire")
    # In the scheduler's own container, because its lock keeps backups and expiry apart.
    system.do(argv, "nothing was removed", mend="wait for the end of the backup under way, then the same command again")
    after = store.backups()
    _demand_kept(before, after, keep)
    gone = [backup.id for backup in before if backup.id not in {left.id for left in after}]
    return "done", {"removed": gone, "left": [backup.id for backup in after]}


def _demand_kept(before: list[Backup], after: list[Backup], keep: int) -> None:
    full = [backup.id for backup in before if backup.kind == "full"][-keep:]
    lost = [label for label in full if label not in {backup.id for backup in after}]
    if lost:
        raise StepFailed(f"{', '.join(lost)} had to stay and is gone. To mend it: {TAKE_ONE}")


def main(arguments: list[str], run: Run = shell.run) -> int:
    """Exit status 0 when no more than N full backups are left, 1 when that could not be done, 2 when it was refused."""
    parser = argparse.ArgumentParser(prog="scripts/expire-backups.sh", description=__doc__, epilog=main.__doc__)
    parser.add_argument("--keep", type=int, required=True, metavar="N", help="full backups to keep, at least 1")
    parser.add_argument(
        "--repository", default="", metavar="COPY", help="a copy of it: a volume, or the absolute path of a folder"
    )
    given = parser.parse_args(arguments)
    if given.keep < 1:
        parser.error(f"--keep {given.keep}: not 1 or more, and without a backup nothing can be restored")

    def step(system: System) -> tuple[Result, Values]:
        return expired(Store.named(system, given.repository), given.keep)

    return carried_out("expire-backups", step, run=run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
