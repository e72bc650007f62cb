"""Deploy and rollback decide right, without an engine: what they run, in which order, and what the file says afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from procedures import change, deploy, environment, rollback
from procedures.commands import Argv
from procedures.lock import operator
from procedures.procedure import carry_out
from procedures.refusal import StepFailed
from tests.procedures.recording import COMPOSE, Recorded, mutating

BACK = [COMPOSE.gateway_back_to("blue"), COMPOSE.workers_to("blue"), COMPOSE.stop("green")]
LIVE_GREEN = {
    "COMPOSE_PROFILES": "blue,green,grafana",
    "ACTIVE_COLOUR": "green",
    "RELEASE_GREEN": "1.1.0",
    "RELEASE_MIGRATE": "1.1.0",
}


def test_a_deploy_switches_and_writes_down_what_is_live(system: Recorded) -> None:
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status) == ("deployed", 0)
    assert (outcome.previous, outcome.colour) == ("1.0.0", "green")
    assert system.values.items() >= (LIVE_GREEN | {"RELEASE_BLUE": "1.0.0"}).items()
    assert (system.active, system.running) == ("green", {"blue": "1.0.0", "green": "1.1.0"})
    assert list(outcome.phases) == ["lock", "plan", *(phase.__name__ for phase in deploy.PHASES)]
    assert system.file.read_text(encoding="utf-8").startswith("# kept\n")


def test_a_bake_that_judged_nothing_is_said(system: Recorded) -> None:
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert "the bake proves nothing: no bake time" in outcome.reason
    assert audit(system)[-1]["bake"]["verdict"] == "not judged"


def test_the_plan_is_what_a_deploy_then_runs(system: Recorded) -> None:
    before = system.file.read_text(encoding="utf-8")
    planned = carry_out(deploy.request("1.1.0", dry_run=True), system)
    assert (planned.result, planned.status) == ("planned", 0)
    assert system.changes == []
    assert system.file.read_text(encoding="utf-8") == before
    assert not Path(os.environ["DOCJOBS_STATE_DIR"]).exists()
    carry_out(deploy.request("1.1.0"), system)
    assert system.changes == list(planned.plan)
    assert json.loads(planned.line())["plan"] == [list(argv) for argv in planned.plan]


def test_the_plan_of_a_rollback_is_what_it_then_runs(system: Recorded) -> None:
    carry_out(deploy.request("1.1.0"), system)
    system.argvs.clear()
    planned = carry_out(rollback.request("", dry_run=True), system)
    assert system.changes == []
    carry_out(rollback.request(""), system)
    assert system.changes == list(planned.plan)


def test_migrations_see_the_new_release_while_the_file_names_the_old_one(system: Recorded) -> None:
    seen = {}

    def look(argv: Argv) -> bool:
        if argv == COMPOSE.migrate():
            seen["file"] = system.values["RELEASE_MIGRATE"]
        return False

    system.fails = look
    carry_out(deploy.request("1.1.0"), system)
    assert seen == {"file": "1.0.0"}
    assert system.environments[system.argvs.index(COMPOSE.migrate())]["RELEASE_MIGRATE"] == "1.1.0"


def test_the_file_beats_the_operators_own_environment(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEASE_BLUE", "9.9.9")
    carry_out(deploy.request("1.1.0"), system)
    assert {each["RELEASE_BLUE"] for each in system.environments} == {"1.0.0"}


@pytest.mark.parametrize("phase", deploy.PHASES[1:], ids=lambda phase: phase.__name__)
def test_a_failure_in_any_phase_after_start_goes_back(
    phase: change.Phase, system: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(intended: change.Change) -> None:
        if phase is not change.finish:
            phase(intended)
        raise StepFailed("it broke")

    failing.__name__ = phase.__name__
    before = system.values
    monkeypatch.setattr(deploy, "PHASES", tuple(failing if each is phase else each for each in deploy.PHASES))
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status, outcome.details["failed_phase"]) == ("rolled-back", 1, phase.__name__)
    assert "it broke" in json.loads(outcome.line())["reason"]
    assert system.changes[-3:] == BACK
    assert (system.active, system.running, system.values) == ("blue", {"blue": "1.0.0"}, before)


@pytest.mark.parametrize(
    "broken",
    [
        COMPOSE.start("green"),
        COMPOSE.version("green"),
        COMPOSE.canary("green", 30),
        COMPOSE.gateway_to("green"),
        COMPOSE.workers_to("green"),
        COMPOSE.drained("blue", asked_of="green"),
    ],
    ids=lambda argv: " ".join(argv[4:8]),
)
def test_any_command_that_fails_goes_back(broken: Argv, system: Recorded) -> None:
    before = system.values
    system.fails = lambda argv: argv == broken
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status) == ("rolled-back", 1)
    assert system.changes[-3:] == BACK
    assert (system.active, system.values) == ("blue", before)


def test_a_failed_migration_changes_nothing_else(system: Recorded) -> None:
    system.fails = lambda argv: argv == COMPOSE.migrate()
    before = system.values
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status) == ("failed", 1)
    assert system.changes == [COMPOSE.migrate()]
    assert system.values == before


@pytest.mark.parametrize("unready", ["api-green", "worker-green"])
def test_a_release_that_never_gets_ready_is_named_with_its_service(unready: str, system: Recorded) -> None:
    system.unready = {unready}
    system.fails = lambda argv: argv[:2] == ("docker", "exec")
    inspected = Recorded._container

    def with_check(self: Recorded, service: str) -> dict[str, object]:
        found = inspected(self, service)
        found["Config"]["Healthcheck"] = {"Test": ["CMD", "check"]}
        return found

    system._container = with_check.__get__(system)  # type: ignore[method-assign]
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert outcome.result == "rolled-back"
    assert "did not get ready" in outcome.reason
    assert f"{unready}: it broke" in outcome.reason


def test_an_image_that_is_not_the_releases_goes_back(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    inspected = Recorded._container

    def of_another(self: Recorded, service: str) -> dict[str, object]:
        return inspected(self, service) | ({"Image": "sha256:old"} if service == "worker-green" else {})

    monkeypatch.setattr(Recorded, "_container", of_another)
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert outcome.result == "rolled-back"
    assert "worker-green runs image sha256:old" in outcome.reason


def test_a_way_back_that_fails_is_no_rollback_and_is_found_by_the_next_run(system: Recorded) -> None:
    broken = {COMPOSE.canary("green", 30), COMPOSE.gateway_back_to("blue")}
    system.fails = lambda argv: argv in broken
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status) == ("failed", 1)
    system.fails = lambda _argv: False
    assert carry_out(deploy.request("1.1.0"), system).result == "deployed"
    assert "taken_over" in audit(system)[-1]


def test_the_running_release_is_left_alone(system: Recorded) -> None:
    outcome = carry_out(deploy.request("1.0.0"), system)
    assert (outcome.result, outcome.status, system.changes) == ("unchanged", 0, [])


def test_the_live_release_is_brought_back_when_its_containers_are_of_another_image(system: Recorded) -> None:
    system.running = {"blue": "0.9.0"}
    assert carry_out(deploy.request("1.0.0"), system).result == "deployed"
    assert (system.active, system.running["green"]) == ("green", "1.0.0")


@pytest.mark.parametrize("release", ["2.0.0", "../1.0.0", "--help", ""])
def test_a_release_that_is_not_there_is_refused(release: str, system: Recorded) -> None:
    if not release:
        system.images.clear()
    outcome = carry_out(deploy.request(release), system)
    assert (outcome.result, outcome.status, system.changes) == ("refused", 2, [])
    assert "To mend it" in outcome.reason


def test_a_gateway_that_serves_another_colour_than_the_file_says_is_refused(system: Recorded) -> None:
    system.active = "green"
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, system.changes) == ("refused", [])
    assert "gateway-switch to blue" in outcome.reason


def test_a_rollback_returns_to_the_previous_release_and_not_further(system: Recorded) -> None:
    carry_out(deploy.request("1.1.0"), system)
    system.argvs.clear()
    outcome = carry_out(rollback.request(""), system)
    assert (outcome.result, outcome.status, outcome.release, outcome.previous) == ("rolled-back", 0, "1.0.0", "1.1.0")
    assert (system.active, system.running) == ("blue", {"blue": "1.0.0"})
    assert COMPOSE.migrate() not in system.argvs
    again = carry_out(rollback.request(""), system)
    assert (again.result, again.status) == ("refused", 2)
    assert "--to" in again.reason


def test_a_rollback_to_an_absent_release_changes_nothing(system: Recorded) -> None:
    carry_out(deploy.request("1.1.0"), system)
    system.images -= {"docjobs-worker:1.0.0"}
    before, system.argvs = system.values, []
    outcome = carry_out(rollback.request(""), system)
    assert (outcome.result, outcome.status, system.changes, system.values) == ("refused", 2, [], before)
    assert "docjobs-worker:1.0.0" in outcome.reason


def test_a_rollback_leaves_a_release_that_does_not_drain(system: Recorded) -> None:
    carry_out(deploy.request("1.1.0"), system)
    system.fails = lambda argv: argv == COMPOSE.drained("green", asked_of="blue")
    outcome = carry_out(rollback.request(""), system)
    assert (outcome.result, system.running) == ("rolled-back", {"blue": "1.0.0"})
    assert "green still runs" in outcome.reason


def test_a_rollback_that_cannot_start_the_old_release_keeps_the_new_one(system: Recorded) -> None:
    carry_out(deploy.request("1.1.0"), system)
    before = system.values
    system.running.pop("blue")
    system.fails = lambda argv: argv == COMPOSE.start("blue")
    outcome = carry_out(rollback.request(""), system)
    assert (outcome.result, outcome.status) == ("failed", 1)
    assert (system.active, system.running) == ("green", {"green": "1.1.0"})
    assert system.values == before | {"COMPOSE_PROFILES": "green,grafana"}


@pytest.mark.parametrize("stopped", [False, True])
def test_a_rollback_starts_the_old_release_only_when_it_does_not_stand_by(stopped: bool, system: Recorded) -> None:  # noqa: FBT001
    carry_out(deploy.request("1.1.0"), system)
    if stopped:
        system.running.pop("blue")
    system.argvs.clear()
    assert carry_out(rollback.request(""), system).result == "rolled-back"
    assert (COMPOSE.start("blue") in system.argvs) is stopped
    assert (system.active, system.running) == ("blue", {"blue": "1.0.0"})


def test_a_second_change_is_refused_and_names_the_first(system: Recorded) -> None:
    with holder(system, before="{}") as first:
        outcome = carry_out(deploy.request("1.1.0"), system)
        assert (outcome.result, outcome.status, system.changes) == ("refused", 2, [])
        assert f"deploy 7.7.7, by {operator()} (pid {first.pid} on " in outcome.reason
    assert carry_out(deploy.request("1.1.0"), system).result == "deployed"


@pytest.mark.parametrize("committed", [False, True])
def test_what_a_killed_deploy_left_is_brought_to_one_truth(committed: bool, system: Recorded) -> None:  # noqa: FBT001
    before = system.values
    left = {"COMPOSE_PROFILES": "blue,green,grafana", "RELEASE_GREEN": "1.1.0"}
    if committed:
        left = LIVE_GREEN
    environment.rewrite(system.file, left)
    system.active, system.running = "green", {"blue": "1.0.0", "green": "1.1.0"}
    with holder(system, before=json.dumps(before)):
        pass
    outcome = carry_out(deploy.request("1.1.0" if committed else "1.0.0"), system)
    assert outcome.result == "unchanged"
    expected = ("green", {"green": "1.1.0"}) if committed else ("blue", {"blue": "1.0.0"})
    assert (system.active, system.running) == expected
    assert system.values == (before | LIVE_GREEN | {"COMPOSE_PROFILES": "green,grafana"} if committed else before)
    assert "deploy 7.7.7" in audit(system)[-1]["taken_over"]["found"]


def test_every_change_is_recorded_and_marked(system: Recorded) -> None:
    carry_out(deploy.request("1.1.0"), system)
    carry_out(rollback.request(""), system)
    carry_out(deploy.request("2.0.0"), system)
    records = audit(system)
    assert [each["result"] for each in records] == ["deployed", "rolled-back", "refused"]
    assert {"at", "who", "release", "previous", "phases", "reason", "images", "config"} <= records[0].keys()
    assert records[0]["images"]["api-green"] == "sha256:docjobs-api:1.1.0"
    assert [text.splitlines()[-1].split(" ")[0] for text in system.marked] == [
        'docjobs_deployment_timestamp_seconds{action="deploy",release="1.1.0",result="deployed"}',
        'docjobs_deployment_timestamp_seconds{action="rollback",release="1.0.0",result="rolled-back"}',
    ]


def test_a_marker_that_cannot_be_set_is_said_and_does_not_fail_the_deploy(system: Recorded) -> None:
    system.fails = lambda argv: argv == COMPOSE.marker()
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status) == ("deployed", 0)
    assert audit(system)[-1]["marker"] == "missing: it broke"


def test_a_wrong_setting_is_refused_by_name(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_BAKE_S", "soon")
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.status, system.argvs) == (2, [])
    assert "DEPLOY_BAKE_S" in outcome.reason


def test_without_an_environment_file_the_mending_command_is_named(system: Recorded) -> None:
    system.file.unlink()
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert outcome.status == 2
    assert "make setup" in outcome.reason


def test_only_commands_that_change_something_are_in_a_plan(system: Recorded) -> None:
    assert all(map(mutating, carry_out(deploy.request("1.1.0", dry_run=True), system).plan))


def audit(system: Recorded) -> list[dict[str, Any]]:
    text = Path(os.environ["DOCJOBS_STATE_DIR"], "audit.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


class holder:  # noqa: N801  (reads as the sentence it stands in)
    """A process that holds the lock for a deploy of 7.7.7, and is killed with -9 at the end of the block."""

    def __init__(self, system: Recorded, *, before: str) -> None:
        script = (
            "import json, sys, time; from pathlib import Path; from procedures.lock import held\n"
            "with held(Path(sys.argv[1]), 'deploy 7.7.7') as lock:\n"
            "    lock.note(json.loads(sys.argv[2])); print('held', flush=True); time.sleep(60)"
        )
        path = str(Path(os.environ["DOCJOBS_STATE_DIR"], "lock"))
        self._process = subprocess.Popen([sys.executable, "-c", script, path, before], stdout=subprocess.PIPE)

    def __enter__(self) -> subprocess.Popen[bytes]:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"held\n"
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
