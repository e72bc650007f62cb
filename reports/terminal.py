"""The end of a run in a terminal: the verdict, every reason, who acts, and how to see it again."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from gate.model import Blocker, Run, Verdict
from gate.status import ExitStatus
from gate.text import flat
from reports import view
from reports.number import duration

COLOURS = {"go": "bold green", "no": "bold red", "warn": "bold yellow"}
SHOWN = 20  # reasons; the report has them all


def render(run: Run, verdict: Verdict) -> RenderableType:
    """Return what a console prints last. Every word is plain text: nothing in it is read as markup or as an escape."""
    rows = view.rows(run, verdict)
    tone = COLOURS[view.TONES[verdict.decision]]
    reproduce = {row.check.id: row.check.reproduce for row in rows}
    head = Text(f"{view.SIGNS[verdict.decision]} {verdict.decision.value}", tone)
    parts: list[RenderableType] = [
        head.append(f"   {view.headline(verdict)}", "bold"),
        Text(view.totals(verdict, rows)),
    ]
    for blocker in verdict.blockers[:SHOWN]:
        parts += _reason(blocker, reproduce.get(blocker.check, ""))
    if len(verdict.blockers) > SHOWN:
        parts.append(Text(f"  … {len(verdict.blockers) - SHOWN} more in the report"))
    tight = [row for row in view.limits(rows) if row.measurement.kept][:3]
    if not verdict.blockers and tight:
        parts.append(Text("closest to the limit"))
        parts += [
            _indented(f"{row.check}  {row.measurement.name} {row.measured}, limit {row.limit}: {row.left}", 2)
            for row in tight
        ]
    # A run that was cut off ends with the status of what cut it off, which only the command knows.
    status = f"   exit {int(ExitStatus.of(verdict.decision))}" if run.sealed else ""
    parts.append(Text(f"{duration(run.seconds)}   run {flat(run.id)}{status}", "dim"))
    return Group(*parts)


def _reason(blocker: Blocker, reproduce: str) -> list[RenderableType]:
    tone = COLOURS["no" if blocker.kind in view.AGAINST else "warn"]
    head = f"{view.kind_sign(blocker)} {blocker.check or 'the run'}"
    lines = [_indented(head, 2, tone), _indented(view.what(blocker), 4)]
    lines.append(_indented(f"act: {blocker.owner}: {blocker.fix}", 4))
    if reproduce:
        lines.append(_indented(f"rerun: {reproduce}", 4))
    return lines


def _indented(text: str, left: int, style: str = "") -> RenderableType:
    return Padding(Text(flat(text), style), (0, 0, 0, left), expand=False)
