"""What a run takes from the history when it begins, and leaves in it when it ends. Neither may cost it its verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gate import compare
from gate.history import History, HistoryError
from gate.model import Run, Verdict
from gate.tools import Tools


def recall(run: Run, folder: Path | None, say: Callable[[str], None]) -> Run:
    """The run with those before it; None as folder: a run that has no history, such as one of a sabotaged system."""
    if folder is None:
        return run
    history = History(folder)
    try:
        for problem in history.catch_up():
            say(f"not in the history: {problem}")
        return replace(run, past=history.past(run))
    except HistoryError as error:
        say(f"this run is compared with none before it: {error}\nhint: {error.mend}")
        return run


def moved(run: Run) -> Run:
    """The run with what moved since those before it."""
    return replace(run, regressions=compare.since_past(run))


def keep(run: Run, verdict: Verdict, folder: Path | None, tools: Tools, say: Callable[[str], None]) -> None:
    """Put the run into the history and write the page over all runs anew."""
    if folder is None:
        return
    history = History(folder)
    try:
        history.add(run, verdict)
        tools.overview(history, folder)
    except (HistoryError, OSError) as error:
        say(f"the history lacks this run: {error}; its own report is complete")
