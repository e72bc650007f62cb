"""Prints what was changed on an instance, by whom and with what result: its audit log, newest last."""

from __future__ import annotations

import argparse
import sys

from procedures import audit
from procedures.record import state_folder
from procedures.refusal import Refused


def main(arguments: list[str]) -> int:
    """One JSON object a line; exit status 0, or 2 when there is no audit log or it cannot be read."""
    parser = argparse.ArgumentParser(prog="scripts/audit-log.sh", description=__doc__, epilog=main.__doc__)
    parser.add_argument("--last", type=int, metavar="N", help="only the newest N lines (default: all)")
    last = parser.parse_args(arguments).last
    if last is not None and last < 1:
        parser.error(f"--last {last}: not 1 or more")
    try:
        lines = audit.lines(state_folder())
    except Refused as error:
        sys.stderr.write(f"audit-log.sh: {error}\n")
        return 2
    sys.stdout.write("".join(f"{line}\n" for line in (lines if last is None else lines[-last:])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
