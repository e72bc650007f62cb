"""The page over all runs of a system: what was decided when, how the promised numbers went, a link to each report."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from gate import files
from gate.history import SHOWN, Entry, History, Number
from reports import past, view
from reports.headlines import ASKED, fits
from reports.number import duration
from reports.page import environment, style_sheet
from reports.sparkline import sparkline

FILE = "history.html"
MOST = 500  # runs in the table
_RUN = re.compile(r"[\w.-]+", re.ASCII)


def write(history: History, folder: Path) -> Path:
    """Write the page into the folder that holds runs/ and return its path. Raises HistoryError and OSError."""
    return files.replace(folder / FILE, render(history, folder))


def render(history: History, folder: Path) -> str:
    """Return the page; a run whose folder is gone has no link."""
    entries = history.entries()
    style = style_sheet()

    def link(entry: Entry) -> str:
        """Where its report is. An id comes from a file, so only what cannot lead elsewhere is followed."""
        place = f"runs/{entry.id}/report.html"
        return place if _RUN.fullmatch(entry.id) and (folder / place).is_file() else ""

    return environment().get_template("overview.html").render(
        duration=duration,
        entries=entries,
        link=link,
        most=MOST,
        newest=lambda trend: next(past.rows(trend))[2],
        remarks=_remarks,
        rows=past.rows,
        signs={decision.value: sign for decision, sign in view.SIGNS.items()},
        spark=sparkline,
        style=Markup(style),  # noqa: S704 - our own style sheet; its hash is in the page's policy
        style_hash="sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        tones={decision.value: tone for decision, tone in view.TONES.items()},
        trends=list(_trends(history, entries)),
    )  # fmt: skip


def _trends(history: History, entries: tuple[Entry, ...]) -> Iterator[tuple[str, past.Trend]]:
    """The promised numbers in the last runs that are like the newest whole one."""
    newest = next((entry for entry in entries if entry.sealed and not entry.narrowed), None)
    if newest is None:
        return
    alike = [entry for entry in reversed(entries) if entry.sealed and _kind(entry) == _kind(newest)]
    measured = history.measured()
    for title, *wanted in ASKED:
        for number in measured:
            check, _, name = number.name.partition(" ")
            if _fits(check, name.removesuffix(f" ({number.unit})"), number.limit_name, wanted):
                runs = [entry for entry in alike if entry.id in number.by_run][-SHOWN:]
                if len(runs) > 1:
                    yield f"{title}: {number.name}", _trend(number, runs)


def _fits(check: str, name: str, limit_name: str, wanted: Sequence[Any]) -> bool:
    checks, names, before = wanted
    return fits(check, name, limit_name, checks, names, before)


def _trend(number: Number, runs: Sequence[Entry]) -> past.Trend:
    return past.Trend(
        number.unit,
        tuple(entry.id for entry in runs),
        tuple(entry.started for entry in runs),
        tuple(number.by_run[entry.id][0] for entry in runs),
        tuple(number.by_run[entry.id][1] for entry in runs),
    )


def _kind(entry: Entry) -> tuple[str, str, str, str]:
    return entry.target, entry.profile, entry.machine, entry.narrowed


def _remarks(entry: Entry) -> str:
    said = ("" if entry.sealed else "cut off", entry.narrowed)
    return "; ".join(filter(None, said))
