"""What `readygate compare` and `readygate history` take. Imports nothing heavy, so that `--help` is quick."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    Commands = argparse._SubParsersAction[Any]  # of whichever parser the command line is made of

_COMPARE = "what differs between two runs beyond noise; exit 1 when something is worse, 4 when they cannot be compared"
_HISTORY = "the runs of this system, newest first, and a page over them; --keep N removes the folders of older ones"


def add_compare(commands: Commands) -> None:
    """`compare BEFORE NOW`."""
    command = commands.add_parser("compare", help=_COMPARE)
    for name, what in (("before", "the run to compare with"), ("now", "the run in question")):
        command.add_argument(name, help=f"{what}: its id, `latest`, its folder, or its results.json")
    command.add_argument("--json", action="store_true", help="as JSON")


def add_history(commands: Commands) -> None:
    """`history`."""
    command = commands.add_parser("history", help=_HISTORY)
    command.add_argument(
        "--folder", type=Path, default=Path(), metavar="DIR", help="of readiness.toml (default: the current folder)"
    )
    command.add_argument(
        "--keep", type=int, metavar="N", help="remove all run folders but the newest N and the last GO"
    )
    command.add_argument("--json", action="store_true", help="all runs as JSON")
