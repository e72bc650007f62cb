"""`readygate history`: the runs of a system, newest first, the page over them, and which folders stay."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict

from gate.console import write
from gate.history import Entry, History
from gate.retention import prune
from gate.status import ExitStatus
from gate.text import flat
from gate.tools import Tools

SHOWN = 20


def command(options: argparse.Namespace, machine: Callable[[], Tools]) -> ExitStatus:
    """Show the runs; first take in what the history does not know yet."""
    folder = options.folder / ".readygate"
    if not folder.is_dir():
        write("" if options.json else f"no run yet in {options.folder.absolute()}\n")
        return ExitStatus.GO
    history = History(folder)
    for problem in history.catch_up():
        sys.stderr.write(f"left out: {flat(problem)}\n")
    entries = history.entries()
    if options.keep is not None:
        for name in prune(folder / "runs", entries, options.keep):
            sys.stderr.write(f"removed runs/{flat(name)}; the history keeps its numbers\n")
    page = machine().overview(history, folder)
    if options.json:
        write(json.dumps([asdict(entry) for entry in entries], indent=1) + "\n")
        return ExitStatus.GO
    for entry in entries[:SHOWN]:
        write(_line(entry) + "\n")
    write(f"{len(entries)} run{'' if len(entries) == 1 else 's'}; page  {page}\n")
    return ExitStatus.GO


def _line(entry: Entry) -> str:
    counts = entry.counts
    blockers = counts.get("blockers", 0)
    what = f"{counts.get('passed', 0)} of {counts.get('total', 0)} passed, {blockers} blocker{'' if blockers == 1 else 's'}"
    narrowed = ("  (a part)" if entry.narrowed else "") + ("" if entry.sealed else "  (cut off, or under way)")
    release, profile = flat(entry.release), flat(entry.profile)
    return f"{flat(entry.id):<22}  {flat(entry.decision):<10}  {release:<10}  {profile:<8}  {what}{narrowed}"
