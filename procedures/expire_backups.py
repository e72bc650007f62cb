"""Removes old full backups, with what depends on them: all but the newest N, or all that are not needed to go back so far.

By itself the scheduler does so after each verification that found everything whole, with DOCJOBS_BACKUP_KEEP_S."""

from __future__ import annotations

import argparse
import re
import sys

from procedures import shell
from procedures.backup_store import TAKE_ONE, Store
from procedures.ending import Result, Values, carried_out
from procedures.refusal import Refused
from procedures.system import Run, System

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def expired(store: Store, *words: str) -> tuple[Result, Values]:
    """Remove them. Refused when what would be left is damaged: then an older one may be the last that is good."""
    store.some_backups()
    said = store.expired(*words)
    if reason := said.get("refused"):
        raise Refused(f"what would be left is damaged, so nothing is removed: {reason}", TAKE_ONE)
    return "done", {"removed": said["removed"], "left": said["left"]}


def seconds(text: str) -> int:
    """An age such as 90s, 20m, 36h or 14d in seconds. Raises ArgumentTypeError."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: write it as 90s, 20m, 36h or 14d")
    return int(match[1]) * _UNITS[match[2]]


def main(arguments: list[str], run: Run = shell.run) -> int:
    """Exit status 0 when what is old is gone, 1 when that could not be done, 2 when it was refused."""
    parser = argparse.ArgumentParser(prog="scripts/expire-backups.sh", description=__doc__, epilog=main.__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--keep", type=int, metavar="N", help="full backups to keep, at least 1")
    which.add_argument(
        "--older-than", type=seconds, metavar="AGE", help="how far back one must be able to go: 36h, 14d"
    )
    parser.add_argument(
        "--repository", default="", metavar="COPY", help="a copy of it: a volume, or the absolute path of a folder"
    )
    given = parser.parse_args(arguments)
    if given.keep is not None and given.keep < 1:
        parser.error(f"--keep {given.keep}: not 1 or more, and without a backup nothing can be restored")
    words = ("--keep", str(given.keep)) if given.keep else ("--older-than", str(given.older_than))

    def step(system: System) -> tuple[Result, Values]:
        return expired(Store.named(system, given.repository), *words)

    return carried_out("expire-backups", step, run=run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
