"""A procedure that is killed at any moment: the next one converges, whatever release it is asked for."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from procedures import deploy, rollback
from procedures.change import Change, Phase
from procedures.commands import Argv
from procedures.lock import held
from procedures.procedure import Request, carry_out
from tests.procedures.recording import ENVIRONMENT, Recorded

pytestmark = pytest.mark.slow

REQUESTS = {"deploy": lambda: deploy.request("1.1.0"), "rollback": lambda: rollback.request("")}
PHASES = {"deploy": deploy.PHASES, "rollback": rollback.PHASES}
MOMENTS = [
    pytest.param(kind, phase, at, id=f"{kind}-{at}-{phase.__name__}")
    for kind, phases in PHASES.items()
    for phase in phases
    for at in ("begin", "end")
]


@pytest.mark.parametrize("asked", ["1.0.0", "1.1.0"])
@pytest.mark.parametrize(("kind", "phase", "at"), MOMENTS)
def test_the_next_deploy_converges_whatever_phase_was_killed(
    kind: str, phase: Phase, at: str, asked: str, system: Recorded, tmp_path: Path
) -> None:
    before = begun(kind, system, tmp_path)

    def die_in() -> Request:
        phases = tuple(dying(each, at) if each is phase else each for each in PHASES[kind])
        return replace(REQUESTS[kind](), phases=phases)

    killed(lambda: carry_out(die_in(), before))
    converges(asked, before)


@pytest.mark.parametrize("kind", PHASES)
def test_the_next_deploy_converges_whatever_command_was_about_to_run(
    kind: str, system: Recorded, tmp_path: Path
) -> None:
    for index, name in enumerate(commands_of(kind, system, tmp_path)):
        for file in (system.file, tmp_path / "kept", *state().glob("*")):
            file.unlink(missing_ok=True)
        system.file.write_text(ENVIRONMENT, encoding="utf-8")
        before = begun(kind, system, tmp_path)
        left = iter(range(index))

        def last(_argv: Argv, left: Iterator[int] = left) -> bool:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return False

        before.fails = last
        killed(lambda before=before: carry_out(REQUESTS[kind](), before))  # type: ignore[misc]
        try:
            converges("1.1.0", before)
        except AssertionError as error:
            raise AssertionError(f"killed before command {index}, {name}: {error}") from error


def test_a_take_over_that_is_killed_is_taken_over(system: Recorded, tmp_path: Path) -> None:
    before = begun("deploy", system, tmp_path)
    phases = tuple(dying(each, "end") if each.__name__ == "switch" else each for each in deploy.PHASES)
    killed(lambda: carry_out(replace(deploy.request("1.1.0"), phases=phases), before))
    second = Recorded.again(before.file, tmp_path / "kept")
    second.fails = lambda argv: "stop" in argv and os.kill(os.getpid(), signal.SIGKILL) is None
    killed(lambda: carry_out(deploy.request("1.1.0"), second))
    converges("1.1.0", before)


def begun(kind: str, system: Recorded, folder: Path) -> Recorded:
    """The system before the procedure that is to be killed: for a rollback, 1.1.0 is live."""
    kept = Recorded.again(system.file, folder / "kept")
    if kind == "rollback":
        assert carry_out(deploy.request("1.1.0"), kept).status == 0
    return kept


def commands_of(kind: str, system: Recorded, folder: Path) -> list[str]:
    """What a procedure of this kind runs when nothing disturbs it."""
    whole = begun(kind, system, folder)
    whole.argvs.clear()
    assert carry_out(REQUESTS[kind](), whole).status == 0
    return [" ".join(argv) for argv in whole.argvs]


def converges(asked: str, before: Recorded) -> None:
    """The next deploy of `asked` succeeds, and engine, gateway, file, lock and audit log agree."""
    assert before.kept
    left = note()
    system = Recorded.again(before.file, before.kept)
    assert system.active in system.running, "nothing serves"
    outcome = carry_out(deploy.request(asked), system)
    assert outcome.status == 0, outcome.reason
    colour, values = system.active, system.values
    assert (values["ACTIVE_COLOUR"], values[f"RELEASE_{colour.upper()}"]) == (colour, asked)
    assert system.running[colour] == values["RELEASE_MIGRATE"] == asked
    assert set(values["COMPOSE_PROFILES"].split(",")) == {*system.running, "grafana"}
    assert not list(system.file.parent.glob(".*"))
    record = json.loads((state() / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert ("taken_over" in record) is bool(left.get("before"))
    with held(state() / "lock", "a look") as lock:
        assert lock.left_behind is None


def dying(phase: Phase, at: str) -> Phase:
    """The phase, with a process that is killed at its beginning or its end."""

    def died(change: Change) -> None:
        if at == "end":
            phase(change)
        os.kill(os.getpid(), signal.SIGKILL)

    died.__name__ = phase.__name__
    return died


def killed(work: Callable[[], object]) -> None:
    """Let a process of its own do `work`, and make sure that it was killed in the middle of it."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def note() -> dict[str, Any]:
    """What the process that died left in the lock."""
    file = state() / "lock"
    text = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    return dict(json.loads(text)) if text else {}


def state() -> Path:
    return Path(os.environ["DOCJOBS_STATE_DIR"])
