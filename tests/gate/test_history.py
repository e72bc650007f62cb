"""The history: finds the runs that may be compared, survives loss and damage, and never costs a run its verdict."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from gate import history_command, owner, remember, results, retention, run_names
from gate.errors import UsageError
from gate.history import FILE, History, HistoryError
from gate.model import Run
from tests.gate.strategies import runs
from tests.reports import hostile as texts
from tests.reports.factory import go, hostile, incomplete, judge, no_go


def day(number: int, run: Run | None = None) -> Run:
    return replace(run or go(), id=f"202611{number:02}-120000-aaaa", started=f"2026-11-{number:02}T12:00:00Z")


@pytest.fixture
def history(tmp_path: Path) -> History:
    found = History(tmp_path)
    for number in (1, 2, 3):
        found.add(*judge(day(number)))
    return found


def test_earlier_runs_come_oldest_first_with_their_numbers(history: History) -> None:
    earlier = history.past(day(9))
    assert [run.id[:8] for run in earlier] == ["20261101", "20261102", "20261103"]
    assert earlier[0].numbers["load.five-jobs mean processing (s)"] == pytest.approx(24.1 * 0.8)
    assert earlier[0].limits["load.five-jobs mean processing (s)"] == 25.0
    assert (earlier[0].decision, earlier[0].release) == ("GO", "1.1.0")


def test_only_runs_that_may_be_compared_and_only_those_before_it(history: History) -> None:
    for number, unlike in enumerate(
        ({"profile": "soak"}, {"narrowed": "1 of 13"}, {"sealed": False}, {"host": {"cores": 64}}, {"target": {}}), 4
    ):
        history.add(*judge(replace(day(number), **unlike)))  # type: ignore[arg-type]
    assert len(history.past(day(20))) == 3
    assert [run.id[6:8] for run in history.past(day(2))] == ["01"]
    assert len(history.entries()) == 8


def test_a_run_that_is_added_again_replaces_itself(history: History) -> None:
    history.add(*judge(day(3, no_go())))
    newest = history.entries()[0]
    assert (len(history.entries()), newest.decision, newest.counts["failed"]) == (3, "NO-GO", 4)
    assert "deployment.dry-run" in history.past(day(9))[-1].not_passed


def test_a_lost_history_is_read_from_the_runs_anew(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / "runs" / day(number).id
        folder.mkdir(parents=True)
        results.write(*judge(day(number)), folder / "results.json")
    cut = tmp_path / "runs" / "cut"
    cut.mkdir()
    (cut / "results.json").write_text('{"schema": "1.2", "run"')
    (tmp_path / "runs" / "latest").symlink_to(day(2).id)
    history = History(tmp_path)
    assert ["cut off before its end" in problem for problem in history.catch_up()] == [True]
    assert [entry.id for entry in history.entries()] == [day(2).id, day(1).id]


def damaged(tmp_path: Path, what: bytes) -> History:
    (tmp_path / FILE).write_bytes(what)
    return History(tmp_path)


@pytest.mark.parametrize("what", [b"no database", b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_history_is_named_and_costs_no_run_its_verdict(what: bytes, tmp_path: Path) -> None:
    history = damaged(tmp_path, what)
    with pytest.raises(HistoryError, match=FILE) as caught:
        history.past(go())
    assert "mv " in caught.value.mend
    said: list[str] = []
    assert remember.recall(go(), tmp_path, said.append) == go()
    assert FILE in said[0]


def test_one_of_a_later_gate_is_left_alone(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("pragma user_version = 9")
    database.close()
    with pytest.raises(HistoryError, match="version 9, this gate knows 1"):
        History(tmp_path).add(*judge(go()))


def test_a_run_without_history_leaves_none(tmp_path: Path) -> None:
    assert remember.recall(go(), None, pytest.fail) == go()
    assert [*tmp_path.iterdir()] == []


def test_a_run_that_has_not_ended_is_not_shown_as_one_that_has(history: History) -> None:
    history.add(*judge(replace(day(4), sealed=False)))
    lines = [history_command._line(entry) for entry in history.entries()]
    assert lines[0].endswith("1 blocker  (cut off, or under way)")
    assert lines[1].endswith("0 blockers")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run=runs)
def test_any_run_can_be_kept(run: Run, tmp_path: Path) -> None:
    history = History(tmp_path)
    history.add(*judge(run))
    assert len(history.entries()) == 1


@pytest.mark.parametrize("text", [texts.CONTROLS, texts.MARKUP, "'); drop table runs; --"], ids=["c", "m", "sql"])
def test_hostile_text_stays_text(text: str, tmp_path: Path) -> None:
    history = History(tmp_path)
    run = hostile(text)
    history.add(*judge(run))
    history.add(*judge(go()))
    assert len(history.entries()) == 2
    assert history.measured()


# Retention


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for number in range(1, 7):
        (tmp_path / f"202611{number:02}-120000-aaaa" / "lanes").mkdir(parents=True)
    (tmp_path / "latest").symlink_to("20261106-120000-aaaa")
    return tmp_path


def lane(folder: Path, number: int, **context: object) -> None:
    path = folder / f"202611{number:02}-120000-aaaa" / "lanes" / "l.json"
    path.write_text(json.dumps({"keep": False, "owner": "00000000-0000-0000-0000-000000000000:1:1"} | context))


def kept(folder: Path) -> list[str]:
    return sorted(path.name[6:8] for path in folder.iterdir() if not path.is_symlink())


def test_the_newest_stay_and_what_is_in_use_or_the_last_go(folders: Path, tmp_path: Path) -> None:
    history = History(tmp_path / "h")
    for number in range(1, 7):
        history.add(*judge(day(number, go() if number < 3 else incomplete())))
    lane(folders, 1, owner=owner.label())
    lane(folders, 3)
    lane(folders, 4, keep=True)
    (tmp_path / "h" / FILE).replace(tmp_path / FILE)
    entries = History(tmp_path).entries()
    (tmp_path / "h").rmdir()
    (tmp_path / FILE).unlink()
    assert [name[6:8] for name in retention.prune(folders, entries, 2)] == ["03"]
    assert kept(folders) == ["01", "02", "04", "05", "06"]


def test_none_at_all_is_no_number_to_keep(folders: Path) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        list(retention.prune(folders, (), 0))
    assert len(kept(folders)) == 6


# Names of runs


def test_a_run_is_found_by_id_by_folder_by_file_and_as_the_latest(tmp_path: Path) -> None:
    folder = tmp_path / run_names.RUNS / "20261101-120000-aaaa"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("{}")
    (folder.parent / "latest").symlink_to(folder.name)
    for name in (folder.name, str(folder), str(folder / "results.json"), "latest"):
        assert run_names.find(name, tmp_path).resolve() == folder / "results.json"
    with pytest.raises(UsageError, match="there is '20261101-120000-aaaa'"):
        run_names.find("20261101-120000-aaab", tmp_path)
    with pytest.raises(UsageError, match="nor any"):
        run_names.find("latest", tmp_path / "elsewhere")
