"""The run as JUnit XML: red for exactly those runs that are not GO. Advisory failures show as skipped, with the reason."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gate.model import Blocker, Run, Verdict
from gate.text import flat, inert
from reports import view


def render(run: Run, verdict: Verdict) -> str:
    """Return one test suite for each area, and one named `run` for what concerns no single check."""
    rows = view.rows(run, verdict)
    root = Element("testsuites", name="readygate", time=_seconds(run.seconds))
    for area in sorted({row.check.area for row in rows}):
        suite = _suite(root, area, run)
        for row in rows:
            if row.check.area == area:
                _case(suite, row)
        _count(suite)
    shown = {row.check.id for row in rows}
    others = [blocker for blocker in verdict.blockers if blocker.check not in shown]
    if others:
        suite = _suite(root, "run", run)
        for blocker in others:
            case = SubElement(suite, "testcase", classname="run", name=flat(blocker.check or blocker.kind), time="0")
            _block(case, (blocker,), "")
        _count(suite)
    _count(root)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, name: str, run: Run) -> Element:
    return SubElement(root, "testsuite", name=flat(name), timestamp=flat(re.sub("Z$", "", run.started)))


def _case(suite: Element, row: view.Row) -> None:
    check = row.check
    name = flat(f"{check.id}: {check.title}")
    case = SubElement(suite, "testcase", classname=flat(check.area), name=name, time=_seconds(check.seconds))
    if row.blockers:
        _block(case, row.blockers, f"Why: {check.why}\nReproduce: {check.reproduce}")
    elif row.state is view.State.WAIVED and check.waiver:
        waiver = check.waiver
        message = f"waived until {waiver.expires}, {waiver.owner}: {check.reason}"
        SubElement(case, "skipped", message=flat(message))
    elif row.state is not view.State.PASSED:
        advisory = "" if row.state is view.State.NOT_APPLICABLE else "advisory, "
        SubElement(case, "skipped", message=flat(f"{advisory}{row.state.value}: {check.reason}"))


def _block(case: Element, blockers: tuple[Blocker, ...], more: str) -> None:
    """Add one failure or error for all blockers together: readers keep only the first."""
    failure = any(blocker.kind in view.AGAINST for blocker in blockers)
    element = SubElement(case, "failure" if failure else "error")
    element.set("type", blockers[0].kind)
    element.set("message", flat("; ".join(map(view.what, blockers))))
    acts = [f"Act: {blocker.owner}: {blocker.fix}" for blocker in blockers]
    element.text = inert("\n".join([*acts, more]).strip())


def _count(element: Element) -> None:
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(len(list(element.iter(tag)))))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
