"""The verdict as Markdown for a step summary or a comment: at most 50 rows a table and 60 kB, nothing in it is active."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from gate.compliance import Compliance, compliance
from gate.criteria import criteria
from gate.model import Blocker, Run, Verdict
from gate.text import flat
from reports import comparison, matrix, past, view
from reports.headlines import headlines
from reports.number import duration

ROWS = 50
LARGEST = 60_000  # characters
CELL = 300

_ACTIVE = re.compile(r"[\\`*_\[\]|~$]")
# A word joiner after these breaks links, mentions and references that are recognised after Markdown has been read.
_LINKING = re.compile(r"(?i)(:(?=//)|www(?=\.)|mailto|@|#|\bGH(?=-))")


def render(run: Run, verdict: Verdict) -> str:
    """Return the summary; what would make it larger than 60 kB is left out, and it says so."""
    rows = view.rows(run, verdict)
    name = run.target.get("title") or run.target.get("name") or "Unnamed system"
    parts = [
        f"# {view.SIGNS[verdict.decision]} {verdict.decision.value}: {text(str(name))}",
        f"**{text(view.headline(verdict))}** {text(view.totals(verdict, rows))} {text(past.last(run))}".rstrip(),
        *_reasons("Why it is not GO", verdict.blockers),
        *_table(
            "What was promised", ("Promise", "State", "Measured", "Limit", "Headroom"), _promised(run, verdict, rows)
        ),
        *_table("Completion criteria", ("Criterion", "State", "Passed", "Not looked at"), _criteria(run, verdict)),
        *_table("What changed beyond noise", ("Check", "Measured", "Before", "Now", "Move", "Verdict"), _changes(run)),
        *_table("Limits", ("Check", "Measured", "Value", "Limit", "Headroom", "State"), _limits(rows)),
        *_controls(run, verdict),
        *_table("Waivers", ("Check", "Until", "Owner", "Reason"), _waivers(run)),
        *_table("Declared absent or advisory", ("Check", "State", "Reason"), _others(rows)),
        text(
            f"Run {run.id}, profile {run.profile}, {run.started}, {duration(run.seconds)}, readygate {run.gate_version}."
        ),
    ]
    whole = "\n\n".join(parts) + "\n"
    if len(whole) <= LARGEST:
        return whole
    return whole[: whole.rindex("\n", 0, LARGEST)] + "\n\nThe rest is in results.json.\n"


def text(value: str) -> str:
    """Return any text on one line with nothing that Markdown, HTML or an autolinker would act on."""
    line = flat(value)
    line = line if len(line) <= CELL else f"{line[:CELL]} …"
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINKING.sub("\\1\u2060", _ACTIVE.sub(r"\\\g<0>", line))


def _reasons(title: str, blockers: tuple[Blocker, ...]) -> Iterator[str]:
    cells = ((each.check or "the run", each.kind, view.what(each), each.owner, each.fix) for each in blockers)
    yield from _table(f"{title} ({len(blockers)})", ("Check", "Kind", "What", "Who acts", "How"), cells)


def _promised(run: Run, verdict: Verdict, rows: tuple[view.Row, ...]) -> Iterator[tuple[str, ...]]:
    for each in headlines(run, view.limits(rows), compliance(run, verdict)):
        if each.row is None:
            yield each.title, f"{each.sign} {each.word}", "–", "–", "–"
        else:
            yield each.title, f"{each.sign} {each.word}", each.row.measured, each.row.limit, each.row.left


def _changes(run: Run) -> Iterator[tuple[str, ...]]:
    for each in run.regressions:
        if each.certain in ("worse", "better"):
            before, now = comparison.before_now(each)
            yield each.check, each.measurement, before, now, comparison.percent(each).strip(" ()"), each.certain


def _limits(rows: tuple[view.Row, ...]) -> Iterator[tuple[str, ...]]:
    for row in view.limits(rows):
        sign = "✓" if row.measurement.kept else "✕"
        yield row.check, row.measurement.name, row.measured, row.limit, row.left, f"{sign} {row.word}"


def _criteria(run: Run, verdict: Verdict) -> Iterator[tuple[str, ...]]:
    for each in criteria(run, verdict):
        passed = view.passed_of(each) + (f", {each.waived} waived" if each.waived else "")
        yield each.title, view.criterion(run, each), passed, ", ".join(each.wanting)


def _controls(run: Run, verdict: Verdict) -> Iterator[str]:
    if not run.controls:
        return
    found = compliance(run, verdict)
    sign, _ = matrix.sign_and_tone(found)
    yield f"## Security controls\n\n**{sign} {text(matrix.headline(found))}**"
    if matrix.nothing_seen(found):
        return
    yield from _shares(found)
    lacking = ((row.control.id, row.control.title, row.standing.value, row.reason) for row in matrix.lacking(found))
    yield from _table("Missing for 100 %", ("Control", "Requirement", "Standing", "Why"), lacking)
    for family, rows in groupby(found.rows, key=lambda row: row.control.family):
        cells = (
            (
                f"{row.control.id}: {row.control.title}",
                f"{matrix.SIGNS[row.standing]} {row.standing.value}",
                ", ".join(id_ for id_, _ in row.checks),
                matrix.references(row),
            )
            for row in rows
        )
        yield from _table(f"Controls: {text(family)}", ("Control", "Standing", "Checks", "Asked for by"), cells)


def _shares(found: Compliance) -> Iterator[str]:
    counted = ("Verified", "Applicable", *(["Not looked at"] if found.left_out else []))
    shares = (
        (
            f"{share.standard.name}: {share.standard.title}",
            *map(str, (share.verified, share.applicable, share.left_out)[: len(counted)]),
            matrix.of(share),
        )
        for share in found.shares
    )
    yield from _table("Controls by standard", ("Standard", *counted, "Requirements"), shares)


def _waivers(run: Run) -> Iterator[tuple[str, ...]]:
    for waiver, days in view.waivers(run):
        until = f"{waiver.expires}: expired" if days is None or days < 0 else f"{waiver.expires} ({days} days)"
        yield waiver.check, until, f"{waiver.owner}, approved by {waiver.approver}", waiver.reason


def _others(rows: tuple[view.Row, ...]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        advisory = not row.check.required and row.state in (view.State.FAILED, view.State.UNVERIFIED)
        if advisory or row.state is view.State.NOT_APPLICABLE:
            yield row.check.id, row.state.value + (", advisory" if advisory else ""), row.check.reason


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield a heading and a table, or nothing when there is no row."""
    lines = ["| " + " | ".join(map(text, row)) + " |" for row in rows]
    if not lines:
        return
    shown = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *lines[:ROWS]]
    more = f"\n\n{len(lines) - ROWS} more in results.json." if len(lines) > ROWS else ""
    yield f"## {title}\n\n" + "\n".join(shown) + more
