"""The end block: verdict, reasons, who acts; no escape and no markup gets through."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from gate.model import Run
from reports import terminal
from tests.reports import hostile as texts
from tests.reports.factory import go, hostile, incomplete, judge, many, no_go


def said(run: Run, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(terminal.render(*judge(run)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("run", "first", "status"),
    [(go(), "✓ GO", "exit 0"), (no_go(), "✕ NO-GO", "exit 1"), (incomplete(), "? INCOMPLETE", "exit 4")],
)
def test_verdict_first_and_status_last(run: Run, first: str, status: str) -> None:
    text = said(run)
    assert text.startswith(first)
    assert text.rstrip().endswith(status)
    assert all(len(line) <= 80 for line in text.splitlines())


def test_reasons_say_who_acts_and_how_to_see_it_again() -> None:
    text = " ".join(said(no_go()).split())
    assert "worst recovery 94 s, limit 30 s" in text
    assert "act: the system's team: Give the worker" in text
    assert "rerun: readygate run --check deployment.self-healing" in text


def test_what_failed_comes_before_what_was_not_found_out_and_is_told_from_it_without_colour() -> None:
    heads = [
        line.strip() for line in said(no_go()).splitlines() if line.startswith("  ") and not line.startswith("   ")
    ]
    assert heads == [
        "✕ deployment.dry-run",
        "✕ deployment.self-healing",
        "w security.published-ports",
        "w access.roles",
        "? security.secrets-at-rest",
        "? recovery.worker-crash",
    ]


@pytest.mark.parametrize("text", texts.ALL.values(), ids=texts.ALL)
def test_nothing_reaches_the_terminal_as_a_command(text: str) -> None:
    printed = said(hostile(text))
    assert not [c for c in printed if (ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066"]
    printed.encode()
    assert len(printed) < 200_000


def test_markup_of_rich_is_printed_not_obeyed() -> None:
    assert "[bold red]owned[/bold red]" in said(hostile(texts.RICH), width=10_000)


def test_many_reasons_are_cut_and_a_run_cut_off_names_no_status() -> None:
    assert "more in the report" in said(many(1000))
    assert "exit" not in said(replace(go(), sealed=False)).splitlines()[-1]
