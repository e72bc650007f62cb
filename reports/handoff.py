"""The handoff as Markdown, made from one run: what was judged, criteria, evidence, open risks, waivers, documents, sign-off.

Whoever signs it signs what this run saw; nothing in it is filled in by hand but the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.criteria import criteria
from gate.model import CheckResult, Json, Measurement, Outcome, Run, Verdict
from gate.verdict import judged
from reports import view
from reports.markdown import text

_NONE = "None."
_OPEN = {
    Outcome.FAILED: "does not hold",
    Outcome.UNVERIFIED: "was not found out",
    Outcome.NOT_APPLICABLE: "is declared absent",
}


def render(run: Run, verdict: Verdict) -> str:
    """Return the whole document. It says of a run that is not a GO that nothing may be signed."""
    title = str(run.target.get("title") or run.target.get("name") or "Unnamed system")
    go = verdict.decision.value == "GO"
    opening = "It may be signed." if go else "Nothing may be signed while this is not GO."
    parts = [
        f"# Handoff: {text(title)}",
        f"**{verdict.decision.value}** in run {text(run.id)}. {opening}",
        _table("What was judged", ("What", "Which"), _identity(run)),
        _table("Completion criteria", ("Criterion", "Decision", "Checks passed"), _criteria(run, verdict)),
        _table("Evidence", ("Check", "Outcome", "Looked at", "Measured", "Kept in"), _evidence(run)),
        _table("Open risks", ("Check", "State", "Why", "What to do"), _risks(run, verdict)),
        _table("Waivers", ("Check", "Until", "Owner", "Approved by", "Reason"), _waivers(run)),
        _table("Documents", ("Subject", "File", "sha256"), _documents(run)),
        _table("Sign-off", ("Who", "Name", "Takes it over: yes or no", "Date", "Signature"), _signatures(run)),
    ]
    return "\n\n".join(parts) + "\n"


def _identity(run: Run) -> Iterator[tuple[str, ...]]:
    yield "Run", f"{run.id}, profile {run.profile}, {run.started} to {run.finished or 'now'}"
    yield "Gate", f"readygate {run.gate_version}"
    if run.narrowed:
        yield "Left out", run.narrowed
    release = run.target.get("release")
    for name, value in (release if isinstance(release, dict) else {}).items():
        yield f"Release, {name}", str(value)
    images = run.target.get("images")
    for service, digest in sorted((images if isinstance(images, dict) else {}).items()):
        yield f"Image of {service}", str(digest)
    for name in ("config_sha256", "readiness_sha256", "waivers_sha256"):
        if run.target.get(name):
            yield name.replace("_", " "), str(run.target[name])


def _criteria(run: Run, verdict: Verdict) -> Iterator[tuple[str, ...]]:
    for each in criteria(run, verdict):
        waived = f", {each.waived} waived" if each.waived else ""
        yield each.title, view.criterion(run, each), view.passed_of(each) + waived


def _evidence(run: Run) -> Iterator[tuple[str, ...]]:
    for check in run.checks:
        measured = ", ".join(_measured(one) for one in check.measurements if one.limit is not None)
        yield check.id, judged(check).value, str(check.observations), measured, f"evidence/{check.id}/"


def _measured(one: Measurement) -> str:
    sign = "≤" if one.direction == "max" else "≥"
    return f"{one.name} {one.value:.6g} {sign} {one.limit:g} {one.unit}".strip()


def _risks(run: Run, verdict: Verdict) -> Iterator[tuple[str, ...]]:
    """Whatever did not pass, once; and what blocks that is no check's result: a lane, a waiver, what was left out."""
    for check in run.checks:
        outcome = judged(check)
        if outcome is not Outcome.PASSED:
            yield check.id, _state(check, outcome), check.reason, check.fix
    known = {check.id for check in run.checks}
    for blocker in verdict.blockers:
        if blocker.check not in known or blocker.kind in {"waiver", "missing"}:
            yield blocker.check or "the run", blocker.kind, blocker.summary, blocker.fix


def _state(check: CheckResult, outcome: Outcome) -> str:
    waived = ", waived" if check.waiver else ""
    return _OPEN[outcome] + waived + ("" if check.required else ", advisory")


def _waivers(run: Run) -> Iterator[tuple[str, ...]]:
    attached = [check.waiver for check in run.checks if check.waiver]
    for waiver in attached:
        yield waiver.check, waiver.expires, waiver.owner, waiver.approver, waiver.reason
    looked_at = {check.id for check in run.checks}
    for waiver in run.unused_waivers:
        use = "unused" if run.narrowed is None or waiver.check in looked_at else view.LEFT_OUT
        yield waiver.check, f"{waiver.expires}, {use}", waiver.owner, waiver.approver, waiver.reason


def _documents(run: Run) -> Iterator[tuple[str, ...]]:
    documents = run.target.get("documents")
    for subject, files in (documents if isinstance(documents, dict) else {}).items():
        for file in files if isinstance(files, list) else ():
            yield subject, str(file.get("file", "")), str(file.get("sha256") or "is not there")


def _signatures(run: Run) -> Iterator[tuple[str, ...]]:
    who: Json = run.target.get("sign_off")
    for name in who if isinstance(who, list) else ():
        yield str(name), "", "", "", ""


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(map(text, row)) + " |" for row in rows]
    if not lines:
        return f"## {title}\n\n{_NONE}"
    return "\n".join([f"## {title}", "", f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *lines])
