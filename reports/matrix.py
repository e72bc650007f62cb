"""The security controls in a terminal: each with its standing and its checks, the shares by standard, what 100 % lacks."""

from __future__ import annotations

from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from gate.compliance import Compliance, Row, Share, Standing, compliance
from gate.model import Run, Verdict
from gate.text import flat
from reports import view

SIGNS = dict(zip(Standing, "✕??w✓––", strict=True))
TONES = dict(zip(Standing, ("no", "warn", "warn", "warn", "go", "mute", "mute"), strict=True))
_COLOURS = {"go": "green", "no": "red", "warn": "yellow", "mute": "dim"}


def render(run: Run, verdict: Verdict) -> RenderableType:
    """Return what a console prints of the controls; every word is plain text."""
    found = compliance(run, verdict)
    parts: list[RenderableType] = []
    for family, rows in groupby(found.rows, key=lambda row: row.control.family):
        parts.append(Text(flat(family), "bold"))
        parts += [_line(row) for row in rows]
    parts.append(Text("By standard", "bold"))
    parts += [_indented(share_words(share)) for share in found.shares]
    if found.lacking:
        parts.append(Text(f"Missing for 100 % ({len(found.lacking)})", "bold"))
        parts += [_lacking(row) for row in lacking(found)]
        parts += [_indented(f"– {found.left_out} were not looked at in this run")] if found.left_out else []
    sign, tone = sign_and_tone(found)
    parts.append(Text(f"{sign} {headline(found)}", f"bold {_COLOURS[tone]}"))
    return Group(*parts)


def headline(found: Compliance) -> str:
    """Return the share of verified controls with its denominators; 100 % is said of nothing less, and no share at all where
    the run was narrowed to leave some out."""
    parts = [f"{count} {standing.value}" for standing, count in found.counts.items() if count]
    of_all = f"(of {len(found.rows)}: {', '.join(parts) or 'none'})"
    if nothing_seen(found):
        return f"No applicable security control was looked at in this run {of_all}"
    if found.left_out:
        return f"{found.verified} of the {found.looked_at} applicable security controls looked at verified {of_all}"
    percent = 100 * found.verified // found.applicable if found.applicable else 0
    return f"{percent} %: {found.verified} of {found.applicable} applicable security controls verified {of_all}"


def nothing_seen(found: Compliance) -> bool:
    """Say whether the run was narrowed to checks of which none verifies a control."""
    return found.left_out > 0 and found.looked_at == 0


def sign_and_tone(found: Compliance) -> tuple[str, str]:
    """Return the sign of all controls together, and its colour's name: what nobody looked at is neither well nor broken."""
    return ("–", "mute") if nothing_seen(found) else (view.SIGNS[found.decision], view.TONES[found.decision])


def lacking(found: Compliance) -> list[Row]:
    """Return what stands between this and 100 % one by one; what the run was narrowed to leave out is only counted."""
    return [row for row in found.lacking if row.standing is not Standing.NOT_LOOKED_AT]


def share_words(share: Share) -> str:
    """Return what one standard's controls come to, and how much of the standard they refer to."""
    left_out = f", {share.left_out} not looked at" if share.left_out else ""
    return (
        f"{share.standard.name}: {share.verified} of {share.applicable} applicable controls verified{left_out}; "
        f"requirements referred to: {of(share)}"
    )


def of(share: Share) -> str:
    """Return how many of the standard's requirements its controls refer to, with the total where there is one."""
    return f"{share.requirements}" + ("" if share.standard.total is None else f" of {share.standard.total}")


def references(row: Row) -> str:
    """Return what asks for the control: each standard with its numbers."""
    groups = groupby(row.control.references, key=lambda each: each.standard)
    return "; ".join(f"{standard}: {', '.join(each.number for each in mine)}" for standard, mine in groups)


def _line(row: Row) -> RenderableType:
    head = f"{SIGNS[row.standing]} {row.standing.value}"
    checks = ", ".join(id_ for id_, _ in row.checks) or "no check"
    text = Text(f"{head:<16}", _COLOURS[TONES[row.standing]])
    text.append(flat(f"{row.control.id} {row.control.title}"), "default")
    text.append(f" ({flat(checks)})", "dim")
    return Padding(text, (0, 0, 0, 2), expand=False)


def _lacking(row: Row) -> RenderableType:
    return _indented(f"{SIGNS[row.standing]} {row.control.id} {row.control.title}: {row.standing.value}, {row.reason}")


def _indented(text: str) -> RenderableType:
    return Padding(Text(flat(text)), (0, 0, 0, 2), expand=False)
