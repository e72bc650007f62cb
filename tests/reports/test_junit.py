"""JUnit: red exactly when the decision is not GO, and well formed whatever it is told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from gate.model import Decision, Run
from reports import junit
from tests.gate.strategies import runs
from tests.reports import hostile as texts
from tests.reports.factory import hostile, judge, no_go
from tests.reports.page import xml


@settings(max_examples=200)
@given(run=runs)
def test_it_is_red_exactly_when_the_decision_is_not_go(run: Run) -> None:
    run, verdict = judge(run)
    root = xml(junit.render(run, verdict))
    red = int(root.attrib["failures"]) + int(root.attrib["errors"])
    assert (red == 0) == (verdict.decision is Decision.GO)
    assert int(root.attrib["tests"]) == len(root.findall("./testsuite/testcase")) >= verdict.counts["total"]
    assert (int(root.attrib["failures"]) > 0) == (verdict.decision is Decision.NO_GO)
    for case in root.iter("testcase"):
        assert len(case) <= 1


@pytest.mark.parametrize("text", texts.ALL.values(), ids=texts.ALL)
def test_hostile_text_stays_text(text: str) -> None:
    root = xml(junit.render(*judge(hostile(text))))
    assert {each.tag for each in root.iter()} == {"testsuites", "testsuite", "testcase", "failure", "error", "skipped"}


def test_a_failure_says_what_and_who() -> None:
    root = xml(junit.render(*judge(no_go())))
    (failure,) = root.findall(".//testcase[@classname='deployment']/failure[@type='failed']")[1:]
    assert "94 s, limit 30 s" in failure.attrib["message"]
    assert "Act: the system's team" in (failure.text or "")
    assert "readygate run --check deployment.self-healing" in (failure.text or "")
