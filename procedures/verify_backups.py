"""Reads every file of the backup repository and says what is not as it was written, or not there."""

from __future__ import annotations

import argparse
import sys

from procedures import shell
from procedures.backup_store import Store
from procedures.ending import Result, Values, carried_out
from procedures.progress import say
from procedures.system import Run, System


def verified(store: Store) -> tuple[Result, Values]:
    """What was read, and what is wrong, each with what to do. Refused when there is nothing to verify."""
    store.some_backups()
    said = store.verified()
    for problem in said["problems"]:
        say(problem)
    values: Values = {name: said[name] for name in ("backups", "newest", "files", "wal_segments", "problems")}
    if not said["damaged"]:
        return "done", values
    return "damaged", values | {"reason": f"{said['damaged']} problems, the first: {said['problems'][0]}"}


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
