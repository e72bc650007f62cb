"""Reads every file of the backup repository and says what is not as it was written, or not there."""

from __future__ import annotations

import argparse
import sys

from procedures import shell, verification, wal
from procedures.backup_store import TAKE_ONE, Backup, Store
from procedures.ending import Result, Values, carried_out
from procedures.progress import say
from procedures.system import Run, System

_SHOWN = 20


def verified(store: Store) -> tuple[Result, Values]:
    """What was read, and what is wrong, each with what to do. Refused when there is nothing to verify."""
    backups = store.some_backups()
    paths = store.archived()  # before the files are read: what comes meanwhile is not asked for
    found = verification.report(store.verified(), backups)
    problems = [*found.problems, *holes(store, backups, paths)]
    for problem in problems[:_SHOWN]:
        say(problem)
    values: Values = {"backups": len(backups), "newest": backups[-1].id}
    values |= {"files": found.files, "wal_segments": found.segments, "problems": problems[:_SHOWN]}
    if not problems:
        return "done", values
    return "damaged", values | {"reason": f"{len(problems)} problems, the first: {problems[0]}"}


def holes(store: Store, backups: list[Backup], paths: list[str]) -> list[str]:
    """A sentence for each WAL segment that is missing between what the oldest backup needs first and the newest."""
    found = []
    for archive in dict.fromkeys(backup.archive for backup in backups if backup.archive):
        there = wal.segments(paths, archive)
        histories = wal.histories(paths, archive)
        begins = {line: begin for line, path in histories.items() if (begin := wal.begun(store.history(path)))}
        needed = [backup.wal_start for backup in backups if backup.archive == archive and backup.wal_start]
        found += [
            f"WAL segment {segment.name} is missing: restores of earlier backups end before it and look well; "
            f"take a full backup now: {TAKE_ONE}"
            for segment in wal.missing(there, needed, begins)
        ]
    return found


def main(arguments: list[str], run: Run = shell.run) -> int:
    """Exit status 0: all is whole. 1: something is damaged or missing, or could not be read. 2: there is nothing to verify."""
    parser = argparse.ArgumentParser(prog="scripts/verify-backups.sh", description=__doc__, epilog=main.__doc__)
    parser.add_argument(
        "--repository", default="", metavar="COPY", help="a copy of it: a volume, or the absolute path of a folder"
    )
    given = parser.parse_args(arguments)

    def step(system: System) -> tuple[Result, Values]:
        return verified(Store.named(system, given.repository))

    return carried_out("verify-backups", step, recorded=False, run=run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
