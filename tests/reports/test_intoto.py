"""The statement: PASSED for GO alone, about the images that were judged, every check in exactly one list."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from gate.model import Decision, Run
from reports import intoto, view
from tests.gate.strategies import runs
from tests.reports import hostile as texts
from tests.reports.factory import go, hostile, incomplete, judge, no_go


def of(run: Run) -> dict[str, Any]:
    statement = json.loads(intoto.render(*judge(run)))
    assert (statement["_type"], statement["predicateType"]) == (intoto.STATEMENT, intoto.PREDICATE)
    assert statement["subject"]
    for each in (*statement["subject"], *statement["predicate"]["configuration"]):
        assert re.fullmatch("[0-9a-f]{64}", each["digest"]["sha256"])
    return dict(statement)


@settings(max_examples=60)
@given(run=runs)
def test_it_passes_exactly_when_the_decision_is_go(run: Run) -> None:
    _, verdict = judge(run)
    predicate = of(run)["predicate"]
    assert (predicate["result"] == "PASSED") == (verdict.decision is Decision.GO)
    assert predicate["result"] in ("PASSED", "FAILED")
    assert bool(predicate["failedTests"]) == (verdict.decision is not Decision.GO)


@pytest.mark.parametrize("run", [go(), no_go(), incomplete()], ids=["go", "no-go", "incomplete"])
def test_every_check_is_in_one_list(run: Run) -> None:
    predicate = of(run)["predicate"]
    lists = [predicate[name] for name in ("passedTests", "warnedTests", "failedTests")]
    named = [each for names in lists for each in names if not each.startswith(("run: ", "waiver: "))]
    assert sorted(named) == sorted(row.check.id for row in view.rows(*judge(run)))


def test_it_is_about_the_images_or_else_about_what_is_known() -> None:
    assert [each["name"] for each in of(go())["subject"]] == ["api-blue", "worker-blue"]
    without = replace(go(), target={"images": {"api": "latest"}, "config_sha256": "9f" * 32})
    assert of(without)["subject"] == [{"name": "compose", "digest": {"sha256": "9f" * 32}}]
    assert of(replace(go(), target={}))["subject"][0]["name"] == "results.json"


@pytest.mark.parametrize("text", texts.ALL.values(), ids=texts.ALL)
def test_hostile_text_is_inert(text: str) -> None:
    run = replace(hostile(text), target={"images": {text: "5e" * 32}})
    of(run)
    said = intoto.render(*judge(run))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\ud800-\udfff]", said)
