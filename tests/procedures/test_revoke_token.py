"""A token is revoked by its id, a subject by its name; what is neither is refused before anything runs."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from procedures import revoke_token, shell
from procedures.commands import Compose
from procedures.refusal import Refused
from procedures.shell import Completed

TOKEN = "e30." + base64.urlsafe_b64encode(b'{"jti": "abc-1", "exp": 4000000000}').rstrip(b"=").decode() + ".x"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], str]]:
    seen: list[tuple[tuple[str, ...], str]] = []

    def run(argv: Any, *, input: str, timeout_s: float) -> Completed:  # noqa: A002
        seen.append((tuple(argv), input))
        return Completed(tuple(argv), 0, "", "", timeout_s)

    monkeypatch.setattr(shell, "run", run)
    return seen


def variables(argv: tuple[str, ...]) -> dict[str, str]:
    pairs = [argv[place + 1] for place, word in enumerate(argv) if word == "-v"]
    return dict(pair.split("=", 1) for pair in pairs)


def test_a_token_on_standard_input(ran: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(TOKEN + "\n"))
    assert revoke_token.main([]) == 0
    ((argv, statement),) = ran
    assert variables(argv)["token_id"] == "abc-1"
    assert int(variables(argv)["lasts_s"]) == 86_400
    assert "INSERT INTO docjobs.revocation" in statement


def test_all_of_a_subject(ran: Any) -> None:
    assert revoke_token.main(["--tenant", "acme", "--subject", "it's", "--reason", "left"]) == 0
    found = variables(ran[0][0])
    assert (found["tenant"], found["subject"], found["reason"], found["token_id"]) == ("acme", "it's", "left", "")
    assert "it's" not in ran[0][1]  # values never stand in the statement


@pytest.mark.parametrize(
    "arguments", [["--tenant", "acme"], ["--subject", "a"], ["--id", "a", "--tenant", "b", "--subject", "c"]]
)
def test_half_an_answer_is_wrong_usage(ran: Any, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        revoke_token.main(arguments)
    assert ended.value.code == 2
    assert not ran


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.x"])
def test_what_is_no_token_is_refused(ran: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert revoke_token.main([]) == 2
    assert not ran
    with pytest.raises(Refused):
        revoke_token.claims_of(text)


def test_an_id_is_no_place_for_anything_else(ran: Any) -> None:
    assert revoke_token.main(["--id", "a'; DROP TABLE x"]) == 2
    assert not ran


def test_a_database_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(shell, "run", lambda argv, **_: Completed(tuple(argv), 2, "", "connection refused", 0.1))
    assert revoke_token.main(["--id", "abc"]) == 1
    assert "connection refused" in capsys.readouterr().err


def test_the_command_reads_the_statement_from_standard_input() -> None:
    argv = revoke_token.argv(Compose.of({}), revoke_token.Revocation("why", token_id="a"))
    assert argv[-2:] == ("-f", "-")
    assert json.dumps(argv)
