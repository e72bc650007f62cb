"""`readygate compare A B`: what differs between two runs, and what of it is more than noise."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict

from gate import results, run_names
from gate.compare import compare
from gate.console import Out, write
from gate.status import ExitStatus
from gate.tools import Tools


def command(options: argparse.Namespace, machine: Callable[[], Tools]) -> ExitStatus:
    """Compare, say it, and say by the exit status whether something is worse."""
    (before, _), (now, _) = (results.read(run_names.find(name)) for name in (options.before, options.now))
    found = compare(before, now)
    if options.json:
        write(json.dumps(asdict(found), indent=1) + "\n")
    else:
        Out().print(machine().compared(before, now, found))
    if any(turn.worse for turn in found.turns) or any(change.certain == "worse" for change in found.changes):
        return ExitStatus.NO_GO
    return ExitStatus.INCOMPLETE if found.unlike else ExitStatus.GO
