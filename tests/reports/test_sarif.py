"""SARIF: well formed by the rules of 2.1.0 that readers enforce, its places inside the system's folder, inert."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from gate.finding import Finding
from gate.model import Outcome, Run, Waiver
from reports import sarif
from tests.reports import hostile as texts
from tests.reports.factory import go, hostile, incomplete, judge, no_go, with_check

URI = re.compile(r"[A-Za-z0-9._~/%-]+")  # what RFC 3986 lets stand in a relative path, as we write it
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def of(run: Run) -> dict[str, Any]:
    document = json.loads(sarif.render(*judge(run)))
    well_formed(document)
    (found,) = document["runs"]
    return dict(found)


def found(*findings: Finding, **more: object) -> dict[str, Any]:
    return of(with_check(go(), "security.secrets-at-rest", findings=findings, **more))


def well_formed(document: dict[str, Any]) -> None:
    """The required properties, types and cross references of the standard, for everything that we write."""
    assert document.keys() == {"$schema", "version", "runs"}
    assert document["version"] == "2.1.0"
    for run in document["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"] == "readygate"
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(ids) == len(set(ids))
        assert all(rule["id"] and rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"])
        assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
        for invocation in run["invocations"]:
            assert isinstance(invocation["executionSuccessful"], bool)
            assert all(MOMENT.fullmatch(invocation[key]) for key in invocation.keys() - {"executionSuccessful"})
        for result in run["results"]:
            assert ids[result["ruleIndex"]] == result["ruleId"]
            assert result["level"] in ("error", "warning", "note", "none")
            assert result["message"]["text"]
            for location in result["locations"]:
                place = location["physicalLocation"]
                assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
                uri = place["artifactLocation"]["uri"]
                assert URI.fullmatch(uri)
                assert not uri.startswith("/")
                assert ".." not in uri.split("/")
                assert place.get("region", {"startLine": 1})["startLine"] >= 1
            for suppression in result.get("suppressions", []):
                assert suppression["kind"] in ("inSource", "external")
                assert suppression["justification"]
        prints = [result["partialFingerprints"]["readygate/v1"] for result in run["results"]]
        assert len(prints) == len(set(prints))


@pytest.mark.parametrize("run", [go(), no_go(), incomplete()], ids=["go", "no-go", "incomplete"])
def test_it_is_well_formed(run: Run) -> None:
    of(run)


def test_what_it_says_of_each_finding() -> None:
    run = of(incomplete())
    places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    assert [(place["artifactLocation"]["uri"], place.get("region")) for place in places] == [
        ("deploy/old%20key.pem", None),
        ("app/store/jobs.py", {"startLine": 41}),
        ("app/store/jobs.py", {"startLine": 88}),
    ]
    assert [each.get("suppressions") for each in run["results"]] == [
        None, None, [{"kind": "inSource", "justification": "a constant"}],
    ]  # fmt: skip
    assert {each["properties"]["check"] for each in run["results"]} == {"security.secrets-at-rest"}
    assert run["properties"] == {"withoutFile": 1, "leftOut": 0}


@pytest.mark.parametrize("file", ["", "/etc/passwd", "../up", "a/../../b", "."])
def test_a_place_outside_the_systems_folder_is_none(file: str) -> None:
    run = found(Finding("r", "error", "m", file, 3))
    assert (run["results"], run["properties"]["withoutFile"]) == ([], 1)


def test_a_waived_check_has_its_findings_suppressed_and_an_expired_waiver_suppresses_nothing() -> None:
    held = Waiver("security.secrets-at-rest", "failed", "rotated", "A. Ng", "C. Ruiz", "2026-12-01")
    finding = Finding("r", "error", "m", "a.py", 3)
    (result,) = found(finding, outcome=Outcome.FAILED, waiver=held)["results"]
    assert result["suppressions"] == [
        {"kind": "external", "justification": "rotated (A. Ng, approved by C. Ruiz, until 2026-12-01)"}
    ]
    (result,) = found(finding, outcome=Outcome.FAILED, waiver=replace(held, expires="2026-11-20"))["results"]
    assert "suppressions" not in result


def test_too_many_are_counted_and_the_most_severe_stay() -> None:
    many = [Finding("r", "note", f"m{n}", "a.py", n + 1) for n in range(sarif.LARGEST)]
    run = found(*many, Finding("r", "error", "bad", "a.py", 1))
    assert len(run["results"]) == sarif.LARGEST
    assert run["results"][0]["message"]["text"] == "bad"
    assert run["properties"]["leftOut"] == 1


@pytest.mark.parametrize("text", texts.ALL.values(), ids=texts.ALL)
def test_hostile_text_is_inert(text: str) -> None:
    said = sarif.render(*judge(hostile(text)))
    well_formed(json.loads(said))
    said.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\ud800-\udfff]", said)
    assert "](" not in said
    assert len(said) < 200_000
