"""A bad moment, bad input, a bug: refused or undone, with the reason in the last line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from procedures import deploy, rollback
from procedures.change import Change
from procedures.procedure import Request, carry_out
from procedures.system import System
from tests.procedures.recording import COMPOSE, ENVIRONMENT, Recorded

REQUESTS = {
    "deploy": lambda: deploy.request("1.1.0"),
    "dry run": lambda: deploy.request("1.1.0", dry_run=True),
    "rollback": lambda: rollback.request("1.1.0"),
}
either = pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)


@either
def test_nothing_is_changed_while_the_database_is_in_recovery(
    request_: Callable[[], Request], system: Recorded
) -> None:
    system.database = "t"
    refused(request_(), system, "a restore is under way")


@either
def test_nothing_is_changed_while_the_database_does_not_answer(
    request_: Callable[[], Request], system: Recorded
) -> None:
    system.fails = lambda argv: argv == COMPOSE.database_state()
    refused(request_(), system, "the database does not answer, or is being restored: it broke")


@either
def test_where_nothing_was_started_the_way_out_begins_with_starting_it(
    request_: Callable[[], Request], system: Recorded
) -> None:
    system.fails = lambda argv: argv == COMPOSE.database_state()
    refused(request_(), system, "To mend it: bring it back as reference/runbooks/recovery.md says")
    system.running = {}
    refused(request_(), system, f"To mend it: nothing has been started here: {' '.join(COMPOSE.base)} up -d, and again")


def test_a_restore_is_found_before_anything_left_behind_is_settled(system: Recorded, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    note = {
        "who": "a",
        "host": "b",
        "pid": 1,
        "since": "c",
        "what": "deploy 7.7.7",
        "before": {"ACTIVE_COLOUR": "blue"},
    }
    (state / "lock").write_text(json.dumps(note), encoding="utf-8")
    system.database = "t"
    refused(deploy.request("1.1.0"), system, "a restore is under way")
    assert '"ACTIVE_COLOUR": "blue"' in (state / "lock").read_text(encoding="utf-8")


def test_a_rollback_to_a_release_that_is_not_there_is_refused(system: Recorded) -> None:
    refused(rollback.request("2.0.0"), system, "release 2.0.0 is not on this engine")


def test_a_rollback_without_a_previous_release_is_refused(system: Recorded) -> None:
    refused(rollback.request(""), system, "there is no release to go back to")


def test_a_gateway_that_is_only_starting_is_waited_for_and_not_switched(system: Recorded) -> None:
    system.active = "unknown"
    refused(deploy.request("1.1.0"), system, "as while the system starts. To mend it: wait until docker compose")


def test_a_rollback_to_what_runs_changes_nothing(system: Recorded) -> None:
    outcome = carry_out(rollback.request("1.0.0"), system)
    assert (outcome.result, outcome.status, system.changes) == ("unchanged", 0, [])


@pytest.mark.slow
@pytest.mark.parametrize("module", ["deploy", "rollback"])
@pytest.mark.parametrize("arguments", [["--bogus"], ["1.1.0"]], ids=" ".join)
def test_wrong_arguments_end_with_a_last_line_like_any_refusal(module: str, arguments: list[str]) -> None:
    argv = [sys.executable, "-m", f"procedures.{module}", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    said = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, said["action"], said["result"]) == (2, module, "refused")
    assert "unrecognized arguments" in said["reason"]
    assert "usage:" in done.stderr


def test_a_bug_in_a_phase_is_undone_and_named(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    def drain(_change: Change) -> None:
        raise KeyError("nobody thought of this")

    phases = tuple(drain if each.__name__ == "drain" else each for each in deploy.PHASES)
    monkeypatch.setattr(deploy, "PHASES", phases)
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status, system.active) == ("rolled-back", 1, "blue")
    assert "KeyError: 'nobody thought of this'" in outcome.reason


def test_a_bug_before_the_first_phase_is_no_traceback_instead_of_a_last_line(
    system: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(System, "gateway", lambda _system: {})
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status, system.changes) == ("failed", 1, [])
    assert "a bug of this procedure" in outcome.reason


@pytest.mark.parametrize("text", [b"\xff\xfe", b"A=1\n"], ids=["no text", "incomplete"])
def test_an_environment_file_that_says_nothing_is_named(text: bytes, system: Recorded) -> None:
    system.file.write_bytes(text)
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert outcome.status in {1, 2}
    assert outcome.reason
    assert system.changes == []


def test_an_interrupt_after_the_end_undoes_nothing(system: Recorded) -> None:
    def interrupting(argv: tuple[str, ...]) -> bool:
        if argv == COMPOSE.marker():
            os.kill(os.getpid(), signal.SIGTERM)
        return False

    system.fails = interrupting
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status, system.active) == ("deployed", 0, "green")
    assert "taken_over" not in outcome.line()


def test_an_interrupt_before_the_first_phase_is_a_last_line(system: Recorded) -> None:
    def interrupting(argv: tuple[str, ...]) -> bool:
        if argv == COMPOSE.config():
            os.kill(os.getpid(), signal.SIGTERM)
        return False

    system.fails = interrupting
    outcome = carry_out(deploy.request("1.1.0", dry_run=True), system)
    assert (outcome.status, outcome.reason) == (1, "interrupted by SIGTERM")


def refused(request: Request, system: Recorded, reason: str) -> None:
    """Refused with that reason and a way to mend it, and nothing changed."""
    outcome = carry_out(request, system)
    assert (outcome.result, outcome.status, system.changes) == ("refused", 2, [])
    assert reason in json.loads(outcome.line())["reason"]
    assert "To mend it" in outcome.reason
    assert system.file.read_text(encoding="utf-8") == ENVIRONMENT
