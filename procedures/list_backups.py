"""Prints the backups of an instance, as its repository itself has them, the newest last."""

from __future__ import annotations

import argparse
import json
import sys

from procedures import environment, shell
from procedures.backup_store import Store
from procedures.commands import Compose
from procedures.refusal import Refused
from procedures.settings import Settings
from procedures.shell import CommandFailed
from procedures.system import Run, System


def main(arguments: list[str], run: Run = shell.run) -> int:
    """One JSON object a line. Exit status 0 with at least one, 2 when there is none or the repository cannot be read, 1 when
    it could not be asked."""
    parser = argparse.ArgumentParser(prog="scripts/list-backups.sh", description=__doc__, epilog=main.__doc__)
    parser.add_argument(
        "--repository", default="", metavar="COPY", help="a copy of it: a volume, or the absolute path of a folder"
    )
    given = parser.parse_args(arguments)
    try:
        system = System(run, Compose.of(), environment.locate(), Settings.of())
        backups = Store.named(system, given.repository).some_backups()
    except Refused as error:
        sys.stderr.write(f"list-backups.sh: {error}\n")
        return 2
    except CommandFailed as error:
        sys.stderr.write(f"list-backups.sh: {error}\n")
        return 1
    sys.stdout.write("".join(json.dumps(backup.values()) + "\n" for backup in backups))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
