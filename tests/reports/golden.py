"""The documents that are kept word for word. Rebaseline them with `python -m tests.reports.rebaseline`, then read the diff."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gate.model import Run, Verdict
from reports import html, intoto, junit, markdown, sarif
from tests.reports.factory import go, incomplete, judge, no_go, part

FOLDER = Path(__file__).with_name("golden")
REBASELINE = "if the change is intended: python -m tests.reports.rebaseline, then read the diff"
RUNS: dict[str, Callable[[], Run]] = {
    "go": go,
    "no-go": no_go,
    "incomplete": incomplete,
    "part": lambda: part("security"),
}
RENDERERS: dict[str, Callable[[Run, Verdict], str]] = {
    "html": html.render,
    "md": markdown.render,
    "xml": junit.render,
    "sarif": sarif.render,
    "intoto": intoto.render,
}


def documents() -> dict[Path, str]:
    """Return every golden file's path and what it should hold today."""
    return {
        FOLDER / f"{name}.{ending}": render(*judge(run()))
        for name, run in RUNS.items()
        for ending, render in RENDERERS.items()
    }
