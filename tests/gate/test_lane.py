"""A lane's findings come back as they were written, and a file that was cut off or hurt loses no more than what was hurt."""

from __future__ import annotations

import json

import pytest

from gate.lane import Findings, Reporter, read
from gate.model import CheckResult, Measurement, Moment, Outcome, Series
from gate.redact import Redactor


def result(check_id: str) -> CheckResult:
    return CheckResult(
        check_id,
        "title\u2028",
        "why",
        "fix",
        required=True,
        outcome=Outcome.FAILED,
        reason="line\nline\x85 ж \ud800",
        values={"v": [1, None, {"a": "b"}]},
        measurements=(Measurement("m", 1.5, "s", 2),),
        timeline=(Moment(1, "k", "l"),),
        series=(Series("s", "s", ((0.0, 1.0),)),),
    )


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "lanes" / "x.ndjson"
    reporter = Reporter(file, Redactor(["correct-horse-battery"]))
    reporter.phase("stack: create", 1.5)
    reporter.fact("images", {"api": "sha256:1"})
    reporter.running("a.py::test_a")
    reporter.result(result("recovery.a"))
    reporter.problem("a problem with correct-horse-battery")
    reporter.running("a.py::test_b")
    reporter.result(result("recovery.b"))
    reporter.notice("a load of 30 jobs with correct-horse-battery")
    reporter.seal()
    return file


def test_it_comes_back_as_it_was_written_without_secrets(path):
    assert read(path) == Findings(
        (result("recovery.a"), result("recovery.b")),
        ("a problem with ***",),
        (("stack: create", 1.5),),
        ("a load of 30 jobs with ***",),
        (("images", {"api": "sha256:1"}),),
        None,
        sealed=True,
    )


def test_cut_off_anywhere_it_says_what_was_whole_and_is_not_sealed(path, tmp_path):
    whole = path.read_bytes()
    cut = tmp_path / "cut.ndjson"
    for at in range(0, len(whole), 7):
        cut.write_bytes(whole[:at])
        found = read(cut)
        assert not found.sealed
        lines = whole[:at].count(b"\n")
        assert (len(found.results), len(found.phases)) == ((lines >= 4) + (lines >= 7), int(lines >= 1))
        assert [p for p in found.problems if "cannot be read" in p] == []


@pytest.mark.parametrize(
    "hurt",
    [b"\xff\xfe", b"{", b"[]", b"3", b'{"kind": "joke", "value": 1}', b'{"kind": ["x"], "value": 1}', b'{"kind": "sealed"}',
     b'{"kind": "result", "value": {"id": 3}}', b'{"kind": "phase", "value": []}', b'{"kind": "problem", "value": 4}', b""],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_a_problem_and_costs_no_other(path, hurt):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], hurt + b"\n", *lines[4:]]))
    found = read(path)
    assert [each.id for each in found.results] == ["recovery.a", "recovery.b"]
    assert "line 5 of its findings cannot be read" in found.problems


def test_a_lane_that_never_wrote_has_found_nothing(tmp_path):
    assert read(tmp_path / "none.ndjson") == Findings()


def test_what_was_running_when_it_died(tmp_path):
    path = tmp_path / "x.ndjson"
    path.write_text(json.dumps({"kind": "running", "value": "a.py::test_a"}) + "\n")
    assert read(path).running == "a.py::test_a"
