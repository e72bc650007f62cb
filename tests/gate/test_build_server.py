"""What GitHub is told: a summary where it says, and at most ten annotations; elsewhere nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gate import build_server
from reports import workflow
from tests.gate import bench
from tests.reports import hostile as texts
from tests.reports.factory import go, hostile, judge, many, no_go


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    (tmp_path / "summary.md").write_text("# The summary\n")
    return tmp_path


def test_elsewhere_nothing_is_said(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = build_server.tell(
        *judge(no_go()), run_folder, bench.tools(), {"GITHUB_STEP_SUMMARY": str(run_folder / "out.md")}
    )
    assert (told, capsys.readouterr().err, (run_folder / "out.md").exists()) == ("", "", False)


def test_the_summary_is_appended_and_reasons_are_annotations(
    run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = run_folder / "out.md"
    out.write_text("before\n")
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(out)}
    assert build_server.tell(*judge(no_go()), run_folder, bench.tools(), environ) == ""
    assert out.read_text() == "before\n# The summary\n"
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == len(judge(no_go())[1].blockers)
    assert any(line.startswith("::error title=deployment.self-healing%3A failed::") for line in lines)
    assert build_server.tell(*judge(go()), run_folder, bench.tools(), environ) == ""
    assert capsys.readouterr().err == ""


def test_a_summary_that_cannot_be_written_is_a_sentence(run_folder: Path) -> None:
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(run_folder / "none" / "out.md")}
    assert "cannot be written" in build_server.tell(*judge(no_go()), run_folder, bench.tools(), environ)


def test_more_than_github_shows_ends_with_how_many_there_are() -> None:
    state, verdict = judge(many(3000))
    assert len(verdict.blockers) > 10
    lines = list(workflow.github(state, verdict))
    assert len(lines) == 10
    assert f"{len(verdict.blockers) - 9} more reasons" in lines[-1]


@pytest.mark.parametrize("text", texts.ALL.values(), ids=texts.ALL)
def test_hostile_text_makes_no_other_command(text: str) -> None:
    for line in workflow.github(*judge(hostile(text))):
        assert "\n" not in line
        assert re.fullmatch(r"::error title=[^:,]*::.*", line)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202e\ud800-\udfff]", line)
