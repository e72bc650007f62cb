"""`report`, `compare` and `history`: older results are read, foreign and cut ones refused, and a full disk spoils nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gate import cli, files, results
from gate.model import Run
from gate.status import ExitStatus
from readygate import machine
from tests.reports.factory import go, judge, no_go, with_check

SINCE_1_2 = {"past", "regressions", "limit_name", "samples", "excerpt", "wanting"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kept(folder: Path, number: int, run: Run) -> Run:
    """A run of its own day in the folder of runs."""
    run = replace(
        run, id=f"2026110{number}-120000-aaaa", started=f"2026-11-0{number}T12:00:00Z", past=(), regressions=()
    )
    place = folder / ".readygate" / "runs" / run.id
    place.mkdir(parents=True)
    results.write(*judge(run), place / "results.json")
    return run


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(arguments, machine.tools)
    told = capsys.readouterr()
    return status, told.out, told.err


def older(version: str) -> dict[str, Any]:
    """What a gate of an earlier minor version would have written."""
    data: dict[str, Any] = _without(json.loads(json.dumps(results.document(*judge(no_go())))), SINCE_1_2)
    if version == "1.0":
        for key in ("standards", "controls"):
            del data["run"][key]
        del data["compliance"]
        data["checks"] = [_without(check, {"findings"}) for check in data["checks"]]
    return data | {"schema": version}


def _without(value: Any, keys: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, keys) for key, item in value.items() if key not in keys}
    return [_without(item, keys) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_results_of_an_older_minor_version_have_all_documents(here: Path, capsys: Any, version: str) -> None:
    (here / "results.json").write_text(json.dumps(older(version)))
    status, out, err = said(capsys, "report", ".")
    assert (status, err) == (0, "")
    assert len(out.split()) == 6
    page = (here / "report.html").read_text()
    assert "✕ NO-GO" in page
    assert "94 s" in page


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text[: len(text) // 2], "cut off before its end"),
        (lambda text: text.replace('"schema":"1.4"', '"schema":"2.0"'), "read it with the gate version that wrote it"),
        (lambda text: "", "not JSON"),
    ],
    ids=["half", "major", "empty"],
)
def test_what_cannot_be_read_is_said_and_the_documents_stay(
    here: Path, capsys: Any, spoil: Callable[[str], str], words: str
) -> None:
    results.write(*judge(go()), here / "results.json")
    said(capsys, "report", ".")
    before = {path.name: path.read_bytes() for path in here.iterdir() if path.name != "results.json"}
    (here / "results.json").write_text(spoil((here / "results.json").read_text()))
    status, out, err = said(capsys, "report", ".")
    assert (status, out) == (ExitStatus.USAGE, "")
    assert words in err
    assert "Traceback" not in err
    assert before == {path.name: path.read_bytes() for path in here.iterdir() if path.name != "results.json"}


def test_a_full_disk_leaves_the_earlier_documents_whole(
    here: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.write(*judge(go()), here / "results.json")
    said(capsys, "report", ".")
    before = {path.name: path.read_bytes() for path in here.iterdir()}

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    status, _, err = said(capsys, "report", ".")
    assert status == ExitStatus.COULD_NOT_RUN
    assert "report.html: No space left on device" in err
    assert before == {path.name: path.read_bytes() for path in here.iterdir()}


def test_compare_says_by_its_status_whether_something_is_worse(here: Path, capsys: Any) -> None:
    first, second = kept(here, 1, go()), kept(here, 2, no_go())
    status, out, _ = said(capsys, "compare", first.id, second.id)
    assert status == ExitStatus.NO_GO
    assert "deployment.dry-run: passed → failed" in out
    assert said(capsys, "compare", second.id, first.id)[0] == ExitStatus.GO
    third = kept(here, 3, replace(go(), profile="soak"))
    status, out, _ = said(capsys, "compare", first.id, third.id)
    assert status == ExitStatus.INCOMPLETE
    assert "profile: quick, then soak" in out


def test_compare_as_json(here: Path, capsys: Any) -> None:
    first, second = kept(here, 1, go()), kept(here, 2, with_check(go(), "rollback.time", measurements=()))
    _, out, _ = said(capsys, "compare", first.id, second.id, "--json")
    found = json.loads(out)
    assert {change["certain"] for change in found["changes"]} == {"cannot tell"}
    assert (found["turns"], found["unlike"]) == ([], [])


def test_history_lists_runs_writes_its_page_and_lets_old_folders_go(here: Path, capsys: Any) -> None:
    assert "no run yet" in said(capsys, "history")[1]
    for number in range(1, 5):
        kept(here, number, go() if number == 1 else no_go())
    status, out, err = said(capsys, "history", "--keep", "2")
    assert status == 0
    assert [line.split()[0][7] for line in out.splitlines()[:-1]] == ["4", "3", "2", "1"]
    assert err == "removed runs/20261102-120000-aaaa; the history keeps its numbers\n"
    assert "20261102" in (here / ".readygate" / "history.html").read_text()
    assert len(json.loads(said(capsys, "history", "--json")[1])) == 4
    assert said(capsys, "history", "--keep", "0")[0] == ExitStatus.USAGE
