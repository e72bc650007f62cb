import re

import pytest

from fixtures.access.asking import Answer, Call
from fixtures.access.exhibits import Exhibits
from fixtures.access.refused_table import refused_table
from fixtures.access.surface import Surface
from fixtures.clients.database import Database
from fixtures.secrets import secret_values
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage

# What only somebody inside should read: traces, source files, statements and the words of the database and of frameworks.
_INNER = re.compile(
    r"Traceback|\bat [\w.$]+\([\w]+\.(?:java|kt|js|ts):\d+|File \"[^\"]+\", line \d+|(?:/[\w.-]+)+\.(?:py|rb|go|php|java|js)\b"
    r"|permission denied for|relation \"|psycopg|sqlalchemy|SQLSTATE|\bSELECT\b.*\bFROM\b|goroutine \d+|Werkzeug|DEBUG = True"
    r"|\b[A-Za-z_]+(?:Error|Exception)\b: ",
    re.IGNORECASE | re.DOTALL,
)
PLANTED = 'Traceback (most recent call last):\n  File "/srv/app/main.py", line 1, in <module>'


@check(
    "access.error-pages",
    title="An error is answered with a sentence: no trace, no statement, no path, no secret",
    why="A stack trace in an answer tells an attacker which library to look up, and sometimes the password it failed with.",
    fix="Answer every unexpected error with one fixed body and an id; write the trace into the log.",
    needs=("auth", "access.openapi", "api", "job", "database.sql"),
    standards=("C41", "ASVS 5.0 13.4.2", "ASVS 5.0 16.5.1", "CWE-209", "CWE-489"),
    minimum=15,
    broken_by=(
        Sabotage(
            id="trace-in-answer",
            title="An API that answers an unexpected error with its stack trace",
            replace=(
                {
                    "file": "{access.code}",
                    "pattern": r'problems\.response\(500, "internal", "[^"]*"\)',
                    "with": 'problems.response(500, "internal", __import__("traceback").format_exc())',
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_error_pages(
    surface: Surface, exhibits: Exhibits, stack: ComposeStack, database: Database, evidence: Evidence
) -> None:
    if not _INNER.search(PLANTED):
        raise Unverified("the search does not find a trace that was planted")
    job, token, secrets = exhibits.done().id, surface.token(), secret_values(stack)
    answers = [surface.asker.ask(call) for call in _mistakes(surface, job, token)]
    reads = [surface.call(one, value=job, token=token) for one in surface.guarded if one.reads]
    with refused_table(stack, database) as broken:
        failed = [surface.asker.once(call) for call in reads]
    evidence.value("tables that the API could not read meanwhile", broken)
    evidence.value("answers by status", _by_status([*answers, *failed]))
    pages = [answer for answer in (*answers, *failed) if answer.status >= 400]
    evidence.observed(len(pages), "answers to mistakes and failures")
    leaks = [f"{answer}: {found}" for answer in pages if (found := _inner(answer, secrets))]
    assert not leaks, "; ".join(leaks[:6])
    crashed = [answer for answer in answers if answer.status >= 500]
    assert not crashed, f"a client's mistake is answered as a failure of ours: {'; '.join(map(str, crashed[:6]))}"
    if not any(answer.status >= 500 for answer in failed):
        raise Unverified("no failure could be brought about, so nothing is known of what one is answered with")


def _mistakes(surface: Surface, job: str, token: str) -> list[Call]:
    """Requests that are wrong in many ways."""
    submit = surface.submit
    body = {"Content-Type": "application/json"}
    calls = [
        surface.plain("GET", "/readiness-nothing-here", what="an unknown path"),
        surface.plain("DELETE", submit.path, token=token, what="an unknown method"),
        surface.plain(submit.method, submit.path, token=token, headers=body, content="{", what="half a body"),
        surface.plain(submit.method, submit.path, token=token, headers=body, content="[1]", what="a list for a body"),
        surface.plain(submit.method, submit.path, token=token, headers=body, content='{"a": NaN}', what="no number"),
        surface.plain(submit.method, submit.path, token=token, headers=body, content="[" * 5000, what="a deep body"),
        surface.plain(submit.method, submit.path, token=token, content="<a/>", what="another kind of body"),
        surface.plain(
            submit.method, submit.path, token=token, headers=body, content='{"a": "\\ud800"}', what="half a letter"
        ),
    ]
    for operation in surface.guarded:
        if operation.takes_id:
            for value in ("0", "%00", "%27%3B--", "9" * 300, "%ff", "null"):
                path = operation.at(value)
                calls.append(surface.plain(operation.method, path, token=token, what=f"an id of {value[:8]}"))
        for name in operation.query:
            for value in ("%00", "%27", "-1", "9" * 30, "%ff"):
                path = f"{operation.at(job)}?{name}={value}"
                calls.append(surface.plain(operation.method, path, token=token, what=f"{name}={value[:8]}"))
    return calls


def _inner(answer: Answer, secrets: dict[str, str]) -> str:
    """What the answer tells that it must not, without saying a secret."""
    text = answer.text + "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    named = next((name for name, value in secrets.items() if len(value) >= 8 and value in text), "")
    if named:
        return f"holds the secret {named}"
    found = _INNER.search(text)
    return f"tells {found[0][:80]!r}" if found else ""


def _by_status(answers: list[Answer]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for answer in answers:
        counted[str(answer.status)] = counted.get(str(answer.status), 0) + 1
    return counted
