"""The questions an on-call person asks, answered from stored lines by the real queries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from procedures import log_query
from procedures.shell import Completed
from tests.procedures.recording import ENVIRONMENT

pytest.importorskip("duckdb")
JOB, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


def line(second: float, service: str, message: str, **fields: object) -> dict[str, object]:
    at = f"2026-11-24T13:{int(second) // 60:02}:{second % 60:06.3f}Z"
    return {"timestamp": at, "level": "info", "service": service, "release": "7", "message": message, **fields}


STORY = [
    line(1, "gateway", "request", method="POST", path="/v1/jobs", status=202, request_id="r-1", seconds_total_ms=23,
         queue_ms=0),
    line(1.1, "api-blue", "request", method="POST", route="/v1/jobs", status=202, request_id="r-1", job_id=JOB, seconds=0.02,
         subject="anna", tenant="acme"),
    line(1.2, "database", "job_id queued", job_id=JOB, request_id="r-1"),
    line(2, "worker-blue", "job started", job_id=JOB, request_id="r-1"),
    line(3, "worker-blue", "job ended", job_id=JOB, request_id="r-1", outcome="failed", level="warning"),
    line(4, "api-blue", "request", method="GET", route="/v1/jobs/{job_id}", status=200, request_id="r-2", job_id=JOB,
         seconds=0.001, subject="anna", tenant="acme"),
    line(4.1, "gateway", "request", method="GET", path=f"/v1/jobs/{JOB}", status=200, request_id="r-2", seconds_total_ms=2000,
         queue_ms=1990),
    line(5, "worker-blue", "job started", job_id=OTHER),
]  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of a store."""
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def ask(
    capsys: pytest.CaptureFixture[str], folder: Path, *words: str, lines: list[dict[str, object]] = STORY
) -> list[dict]:
    (folder / "one.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines) + "half a li")
    assert log_query.main([*words, "--from", str(folder), "--json"]) == 0
    return [json.loads(row) for row in capsys.readouterr().out.splitlines()]


def test_a_job_s_story_begins_with_the_request_that_brought_it_and_leads_through_every_service(capsys, copy):
    rows = ask(capsys, copy, "job", "--job", JOB)
    assert [row["service"] for row in rows] == [
        *("gateway", "api-blue", "database", "worker-blue", "worker-blue", "api-blue")
    ]
    assert rows[4]["outcome"] == "failed"


def test_a_request_s_story(capsys, copy):
    assert {row["service"] for row in ask(capsys, copy, "request", "--request", "r-2")} == {"gateway", "api-blue"}


def test_what_failed_names_service_release_and_one_job(capsys, copy):
    (row,) = ask(capsys, copy, "failures")
    assert (row["service"], row["release"], row["times"], row["a_job"]) == ("worker-blue", "7", 1, JOB)


def test_the_slowest_request_shows_whether_the_api_was_slow(capsys, copy):
    first, second = ask(capsys, copy, "slowest")
    assert (first["request_id"], first["total_ms"], first["api_ms"], first["queue_ms"]) == ("r-2", 2000, 1, 1990)
    assert second["request_id"] == "r-1"


def test_who_did_what(capsys, copy):
    rows = ask(capsys, copy, "who")
    assert sorted((row["subject"], row["method"], row["times"]) for row in rows) == [
        ("anna", "GET", 1),
        ("anna", "POST", 1),
    ]


def test_who_fills_the_store(capsys, copy):
    rows = ask(capsys, copy, "volume")
    assert sum(row["lines"] for row in rows) == len(STORY)
    assert rows[0]["bytes"] >= rows[-1]["bytes"] > 50


@pytest.mark.parametrize(("count", "gap", "bursts"), [(20, 0.1, [20]), (19, 0.1, []), (40, 4.9, [40]), (40, 5.1, [])])
def test_a_burst_is_twenty_errors_with_no_more_than_five_seconds_between(capsys, copy, count, gap, bursts):
    lines = [line(n * gap, "worker-blue", "broken", level="error") for n in range(count)]
    lines += [line(n * gap, "api-blue", "well") for n in range(count)]
    assert [row["errors"] for row in ask(capsys, copy, "error-bursts", lines=lines)] == bursts


def test_two_bursts_of_two_services_are_four(capsys, copy):
    lines = [
        line(start + n / 100, service, "broken", level="critical")
        for service in ("a", "b")
        for start in (0, 60)
        for n in range(25)
    ]
    rows = ask(capsys, copy, "error-bursts", lines=lines)
    assert sorted((row["service"], row["errors"]) for row in rows) == [("a", 25), ("a", 25), ("b", 25), ("b", 25)]


def test_alone_it_lists_every_query_with_what_it_answers(capsys):
    assert log_query.main([]) == 0
    said = capsys.readouterr().out
    assert {row.split()[0] for row in said.splitlines()} == {file.stem for file in log_query.QUERIES.glob("*.sql")}
    assert all(len(row.split()) > 4 for row in said.splitlines())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nonsense",), "there is no query nonsense: error-bursts, "),
        (("job",), "the query job needs --job"),
        (("volume",), "there is no *.jsonl file in"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_in_a_sentence(capsys, tmp_path, words, said):
    if words != ("volume",):
        (tmp_path / "a.jsonl").write_text("{}\n")
    assert log_query.main([*words, "--from", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_a_table_for_people_cuts_long_texts_and_says_when_there_is_nothing(capsys, copy):
    (copy / "a.jsonl").write_text(json.dumps(line(1, "web", "x" * 500, level="error")) + "\n")
    assert log_query.main(["failures", "--from", str(copy)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[:3] == ["service", "release", "times"]
    assert "x…" in second
    assert log_query.main(["job", "--job", "none", "--from", str(copy)]) == 0
    assert capsys.readouterr().out == "nothing found\n"


def test_the_instance_s_store_is_asked_for_the_last_minutes_and_a_store_that_does_not_answer_is_status_1(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.setenv("COMPOSE_ENV_FILES", str(tmp_path / "env"))
    (tmp_path / "env").write_text(ENVIRONMENT)
    asked: list[tuple[str, ...]] = []

    def run(argv, **_: object) -> Completed:
        asked.append(tuple(argv))
        return Completed(tuple(argv), len(asked) - 1, "".join(json.dumps(each) + "\n" for each in STORY), "gone", 0.1)

    assert log_query.main(["volume", "--minutes", "5", "--service", "gateway", "--json"], run) == 0
    assert asked[0][-5:-3] == ("logs", "log-lines")
    assert asked[0][-1] == "gateway"
    assert asked[0][-3] < asked[0][-2]
    assert capsys.readouterr().out
    assert log_query.main(["volume"], run) == 1
    assert "the log store does not answer" in capsys.readouterr().err


def test_what_a_client_put_into_a_line_acts_on_no_terminal(capsys, copy):
    title = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\u202etxt.exe\u2066\x00\ta\nb"
    (copy / "one.jsonl").write_text(json.dumps(line(1, title, title, job_id=JOB)) + "\n")
    assert log_query.main(["job", "--job", JOB, "--from", str(copy)]) == 0
    said = capsys.readouterr().out
    assert "␛[2J" in said
    assert not [c for c in said if (ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066"]
    assert len(said.splitlines()) == 2
