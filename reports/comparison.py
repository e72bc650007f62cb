"""Two runs side by side in a terminal: what became of the checks, what moved beyond noise, what cannot be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from gate.compare import Comparison, Turn
from gate.model import Change, Run
from gate.noise import MARGIN
from gate.text import flat
from reports.number import number, pair, quantity

SHOWN = 20  # lines of one kind; --json has them all
FEW = 6  # of those that tell nothing yet
COLOURS = {"worse": "red", "better": "green", "cannot tell": "yellow", "not worse": "dim"}
TITLES = {
    "worse": "Worse beyond noise",
    "better": "Better beyond noise",
    "cannot tell": "Moved, and it cannot be told whether that is noise",
}
SIGNS = {"worse": "▲", "better": "▼", "cannot tell": "?", "not worse": "="}


def render(before: Run, now: Run, found: Comparison) -> RenderableType:
    """Return what a console prints of a comparison; every word is plain text."""
    parts: list[RenderableType] = [Text(flat(f"{before.id} → {now.id}"), "bold"), *_lines(found.unlike, "yellow", "! ")]
    if found.unlike:
        parts.append(Text("so no number can be held against another: the difference may be theirs", "yellow"))
    for title, turns in (
        ("Not established any more", [turn for turn in found.turns if turn.worse]),
        ("Otherwise", [turn for turn in found.turns if not turn.worse]),
    ):
        if turns:
            parts.append(Text(f"{title} ({len(turns)})", "bold"))
            parts += _lines(map(_turn, turns), "red" if turns[0].worse else "")
    for certain, colour in COLOURS.items():
        changes = [change for change in found.changes if change.certain == certain]
        if certain == "cannot tell":
            changes = [change for change in changes if change.effect is None or abs(change.effect) >= MARGIN]
        if changes and certain != "not worse":
            parts.append(Text(f"{TITLES[certain]} ({len(changes)})", "bold"))
            most = FEW if certain == "cannot tell" else SHOWN
            parts += _lines((f"{SIGNS[certain]} {sentence(change)}" for change in changes), colour, most=most)
    told = sum(change.certain != "cannot tell" for change in found.changes)
    if found.changes:
        both = f"{len(found.changes)} numbers in both runs"
        parts.append(Text(f"{both}; of {told} of them it can be told whether they moved", "dim"))
    else:
        parts.append(Text("no number is in both runs", "dim"))
    return Group(*parts)


def sentence(change: Change) -> str:
    """Return what moved, from what to what, and what it would take to know more."""
    before, now = before_now(change)
    moved = f"{change.check} {change.measurement}: {before} → {now}{percent(change)}"
    return moved + (f", needs {change.n_needed:,} samples" if change.n_needed else "")


def before_now(change: Change) -> tuple[str, str]:
    """Return both numbers with their unit, told apart where they differ."""
    before, now = pair(change.before, change.now)
    return quantity(before, change.unit), quantity(now, change.unit)


def percent(change: Change) -> str:
    """Return the move as a share of what it was, in brackets; nothing where that was 0."""
    if change.effect is None:
        return ""
    return f" ({'+' if change.effect > 0 else ''}{number(change.effect * 100, 2)} %)"


def _turn(turn: Turn) -> str:
    before, now = ("not there" if outcome is None else outcome.replace("_", " ") for outcome in (turn.before, turn.now))
    return f"{turn.check}: {before} → {now}"


def _lines(texts: Iterable[str], style: str, sign: str = "", most: int = SHOWN) -> Iterator[RenderableType]:
    all_ = [*texts]
    for text in all_[:most]:
        yield Padding(Text(flat(sign + text), style), (0, 0, 0, 2), expand=False)
    if len(all_) > most:
        yield Padding(Text(f"… {len(all_) - most} more: --json"), (0, 0, 0, 2), expand=False)
