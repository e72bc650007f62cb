"""The reasons against GO as a build server's own annotations: GitHub shows ten of a step and drops the rest in silence."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model import Blocker, Run, Verdict
from gate.text import flat
from reports import view

SHOWN = 9  # and one that says how many more there are


def github(run: Run, verdict: Verdict) -> Iterator[str]:
    """Yield one workflow command a line, as GitHub reads them from a step's output; none for a GO."""
    for blocker in verdict.blockers[:SHOWN]:
        yield f"::error title={_property(_title(blocker))}::{_data(_said(blocker))}"
    if (more := len(verdict.blockers) - SHOWN) > 0:
        yield f"::error title={_property(verdict.decision.value)}::{more} more reasons are in the report of run {_data(run.id)}"


def _title(blocker: Blocker) -> str:
    return f"{blocker.check or 'the run'}: {blocker.kind}"


def _said(blocker: Blocker) -> str:
    return f"{view.what(blocker)}. {blocker.owner}: {blocker.fix}"


def _data(text: str) -> str:
    return flat(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
