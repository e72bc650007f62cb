"""What a run says while it runs, on stderr only: a live table on a terminal, a line per finished check elsewhere.

Results on stdout stay clean, and where nobody watches a heartbeat shows what is awaited: silence reads as hanging.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gate.lane_process import LaneProcess
from gate.model import CheckResult, Outcome, Run
from gate.text import visible

_HEARTBEAT_S = 30
_SIGNS = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✕", "red"),
    Outcome.UNVERIFIED: ("?", "yellow"),
    Outcome.NOT_APPLICABLE: ("–", "dim"),
}


class Progress:
    """`quiet` keeps only what the user must see now."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._began = time.monotonic()
        self._said: set[str] = set()
        self._phases: set[tuple[str, str]] = set()
        self._notices: Counter[str] = Counter()
        self._heard = time.monotonic()
        self._live: Live | None = None

    def say(self, sentence: str) -> None:
        """A line that everybody gets."""
        self._console.print(Text(visible(sentence)), highlight=False)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A named part of the run; its time is said when it ends."""
        began = time.monotonic()
        if not self._quiet:
            self.say(f"  … {name}")
        yield
        if not self._quiet:
            self.say(f"  ✓ {name}  {time.monotonic() - began:.1f} s")

    def update(self, run: Run, lanes: Sequence[LaneProcess]) -> None:
        """Show what changed."""
        if self._quiet:
            return
        finished = {result.id for lane in lanes for result in lane.findings.results}
        for lane in lanes:
            for name, seconds in lane.findings.phases:
                if (lane.context.lane, name) not in self._phases:
                    self._phases.add((lane.context.lane, name))
                    self.say(f"  · {lane.context.lane}: {name}  {seconds:.1f} s")
            for sentence in lane.findings.notices[self._notices[lane.context.lane] :]:
                self._notices[lane.context.lane] += 1
                self.say(f"  · {lane.context.lane}: {sentence}")
        for result in run.checks:
            if result.id in finished and result.id not in self._said:
                self._said.add(result.id)
                self._finished(result)
        self._table(lanes)

    def waiting(self, lanes: Sequence[LaneProcess]) -> None:
        """A sign of life where there is no live table."""
        if self._quiet or self._console.is_terminal or time.monotonic() - self._heard < _HEARTBEAT_S:
            return
        awaited = ", ".join(f"{p.context.lane}: {p.findings.running or 'its stack'}" for p in lanes if p.status is None)
        self.say(f"  … {time.monotonic() - self._began:.0f} s, waiting for {awaited}")
        self._heard = time.monotonic()

    def close(self) -> None:
        """Stop the live table, if there is one."""
        if self._live:
            self._live.stop()
            self._live = None

    def _finished(self, result: CheckResult) -> None:
        self._heard = time.monotonic()
        sign, style = _SIGNS[result.outcome]
        line = Text(f"  {sign} {result.outcome.value:<14}", style)
        line.append(f" {visible(result.id)}  ", "default").append(f"{result.seconds:.1f} s", "dim")
        self._console.print(line, highlight=False)
        if result.outcome in {Outcome.FAILED, Outcome.UNVERIFIED} and result.reason:
            self.say(f"      {result.reason.splitlines()[0][:240]}")

    def _table(self, lanes: Sequence[LaneProcess]) -> None:
        if not self._console.is_terminal:
            return
        table = Table.grid(padding=(0, 2))
        for process in lanes:
            done = f"{len(process.findings.results)}/{len(process.context.checks)}"
            at = "done" if process.status is not None else process.findings.running or "starting its stack"
            since = f"{time.monotonic() - process.began:.0f} s"
            table.add_row(f"  {process.context.lane}", done, since, Text(at))  # a test's id may hold [brackets]
        if self._live is None:
            self._live = Live(table, console=self._console, transient=True, auto_refresh=False)
            self._live.start()
        self._live.update(table, refresh=True)
