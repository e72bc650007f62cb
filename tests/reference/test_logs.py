"""One line, one object: whatever is logged."""

from __future__ import annotations

import json
import logging
import sys

from docjobs import logs


def line(message: str, *, exc_info: object = None, **extra: object) -> str:
    record = logging.getLogger("test").makeRecord(
        "test", logging.ERROR, __file__, 1, message, (), exc_info, extra=extra or None
    )
    return logs.JsonLines("api", "blue").format(record)


def test_a_line_says_when_what_who_and_about_which_request_and_job() -> None:
    token = logs.request_id.set("r-1")
    try:
        said = json.loads(line("hello", job_id="j-1"))
    finally:
        logs.request_id.reset(token)
    assert {"timestamp", "level", "service", "release", "request_id", "job_id", "message"} <= set(said)
    assert (said["level"], said["service"], said["request_id"], said["job_id"]) == ("error", "api", "r-1", "j-1")


def test_hostile_text_stays_one_line_and_one_object() -> None:
    text = 'x\n{"level":"info"}\r\u2028"'
    written = line(text)
    assert "\n" not in written
    assert json.loads(written)["message"] == text


def test_an_exception_is_named_and_placed_and_its_values_stay_out() -> None:
    try:
        raise ValueError("the document's secret text")
    except ValueError:
        written = line("failed", exc_info=sys.exc_info())
    said = json.loads(written)
    assert said["exception"] == "ValueError"
    assert said["frames"]
    assert "secret" not in written
