"""Which run folders may go. Evidence is large; what the history keeps of a run is small and stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from gate import owner
from gate.errors import UsageError
from gate.history import Entry


def prune(runs: Path, entries: tuple[Entry, ...], keep: int) -> Iterator[str]:
    """Remove all but the newest `keep` folders and yield the name of each that went.

    Stays in any case: a run that still runs or that left its stacks up, and the newest GO, which a release may rest on.
    """
    if keep < 1:
        raise UsageError("--keep needs a number of at least 1", "readygate history --keep 20")
    last_go = next((entry.id for entry in entries if entry.decision == "GO"), None)
    folders = sorted((path for path in runs.glob("*") if path.is_dir() and not path.is_symlink()), reverse=True)
    for folder in folders[keep:]:
        if folder.name != last_go and not _in_use(folder):
            shutil.rmtree(folder)
            yield folder.name


def _in_use(folder: Path) -> bool:
    """Whether one of its lanes is alive or was told to leave its stack up; a lane that cannot be read counts as alive."""
    for path in (folder / "lanes").glob("*.json"):
        try:
            context = json.loads(path.read_text())
            if context["keep"] or owner.alive(context["owner"]):
                return True
        except (OSError, ValueError, KeyError, TypeError):
            return True
    return False
