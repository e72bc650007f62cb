"""The rolling strategy decides right, without an engine: one replica at a time, there and back, and after a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from procedures import deploy, environment, rollback
from procedures.change import Phase
from procedures.commands import Argv
from procedures.procedure import carry_out
from procedures.refusal import StepFailed
from tests.procedures.recording import COMPOSE, IMAGES, Recorded
from tests.procedures.replicas_recording import Replicas, checking, mutating, placed
from tests.procedures.test_deploy import audit, holder

LIVE = {"COMPOSE_PROFILES": "blue,grafana", "ACTIVE_COLOUR": "blue", "RELEASE_BLUE": "1.1.0", "RELEASE_GREEN": "1.0.0"}
ALL_NEW = {"api-blue": ["1.1.0"], "worker-blue": ["1.1.0"]}
ALL_OLD = {"api-blue": ["1.0.0"], "worker-blue": ["1.0.0"]}


@pytest.fixture
def rolling(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> Replicas:
    monkeypatch.setenv("DEPLOY_STRATEGY", "rolling")
    found = Replicas(system.file)
    found.begin()
    found.fails = lambda argv: checking(argv) and bool(found.sick)
    return found


def test_a_deploy_replaces_one_replica_after_the_other(rolling: Replicas) -> None:
    outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.result, outcome.status, outcome.previous, outcome.colour) == ("deployed", 0, "1.0.0", "blue")
    assert placed(*rolling.changes) == [
        "run --rm --no-deps -T migrate",
        "up api-green=1",
        "out green",
        "up worker-green=1",
        "canary --timeout 30",
        "rm --stop --force api-green worker-green",
        "out blue free",
        "up api-blue=2",
        "out blue 10.0.0.1",
        "stop api-blue/1",
        "rm api-blue/1",
        "out blue",
        "up worker-blue=2",
        "stop worker-blue/2",
        "rm worker-blue/2",
    ]
    assert rolling.releases == ALL_NEW
    assert rolling.values.items() >= (LIVE | {"RELEASE_MIGRATE": "1.1.0"}).items()
    assert list(outcome.phases) == ["lock", "plan", *(phase.__name__ for phase in deploy.ROLLING)]
    assert outcome.details["strategy"] == "rolling"


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_somebody_serves_at_every_moment_and_a_new_one_only_when_it_is_let_in(replicas: int, rolling: Replicas) -> None:
    rolling.containers.clear()
    rolling.begin(replicas)
    assert carry_out(deploy.request("1.1.0"), rolling).result == "deployed"
    assert rolling.releases == {service: ["1.1.0"] * replicas for service in ALL_NEW}
    assert all(rolling.served)
    started = [at for at, argv in enumerate(rolling.changes) if "--scale" in argv and "api-blue" in argv]
    assert rolling.served[started[0]] == {"1.0.0"}


def test_the_plan_is_what_a_deploy_and_a_rollback_then_run(rolling: Replicas) -> None:
    rolling.begin(1)
    for request in (deploy.request("1.1.0", dry_run=True), rollback.request("", dry_run=True)):
        rolling.argvs.clear()
        before = rolling.file.read_text(encoding="utf-8")
        planned = carry_out(request, rolling)
        assert (planned.result, rolling.changes) == ("planned", [])
        assert rolling.file.read_text(encoding="utf-8") == before
        assert all(map(mutating, planned.plan))
        carry_out(deploy.request("1.1.0") if request.action == "deploy" else rollback.request(""), rolling)
        # The containers that come have ids that no plan can know; none of them leaves.
        assert rolling.changes == list(planned.plan)


def test_migrations_and_canary_see_the_new_release_while_the_file_names_the_old_one(rolling: Replicas) -> None:
    seen: list[str] = []

    def look(argv: Argv) -> bool:
        if argv in {COMPOSE.migrate(), COMPOSE.canary("green", 30), COMPOSE.one_more("api-blue", 1)}:
            seen.append(rolling.values["RELEASE_BLUE"])
        return False

    rolling.fails = look
    carry_out(deploy.request("1.1.0"), rolling)
    assert seen == ["1.0.0"] * 3
    at = rolling.argvs.index(COMPOSE.canary("green", 30))
    assert (rolling.environments[at]["RELEASE_GREEN"], rolling.environments[at]["RELEASE_BLUE"]) == ("1.1.0", "1.0.0")


@pytest.mark.parametrize(("colour", "phase"), [("green", "try_out"), ("blue", "roll_api")])
def test_a_release_that_never_gets_ready_never_serves_and_is_removed(
    colour: str, phase: str, rolling: Replicas
) -> None:
    before = rolling.values

    def born_sick(argv: Argv) -> bool:
        if argv == COMPOSE.one_more(f"api-{colour}", int(colour == "blue")):
            rolling.sick = {"1.1.0"}
        return checking(argv)

    rolling.fails = born_sick
    outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.result, outcome.status, outcome.details["failed_phase"]) == ("rolled-back", 1, phase)
    assert f"1.1.0 did not get ready in api-{colour} (it broke)" in outcome.reason
    assert (rolling.releases, rolling.values) == (ALL_OLD, before)
    assert all(each == {"1.0.0"} for each in rolling.served)
    assert rolling.drained == set()


def test_a_release_that_keeps_crashing_is_not_given_the_whole_time(
    rolling: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_READY_TIMEOUT_S", "60")
    inspected = Replicas._container

    def crashing(self: Replicas, name: str) -> dict[str, object]:
        found = inspected(self, name)
        return found | ({"RestartCount": 3} if found["Image"].endswith("worker:1.1.0") else {})

    monkeypatch.setattr(Replicas, "_container", crashing)
    outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.result, outcome.details["failed_phase"]) == ("rolled-back", "try_out")
    assert "worker-green of 1.1.0 keeps crashing" in outcome.reason
    assert rolling.releases == ALL_OLD


@pytest.mark.parametrize("phase", deploy.ROLLING[1:], ids=lambda phase: phase.__name__)
def test_a_failure_in_any_phase_goes_back_replica_by_replica(
    phase: Phase, rolling: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rolling.values
    monkeypatch.setattr(deploy, "ROLLING", tuple(_failing(each) if each is phase else each for each in deploy.ROLLING))
    outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.result, outcome.status, outcome.details["failed_phase"]) == ("rolled-back", 1, phase.__name__)
    assert (rolling.releases, rolling.values, rolling.drained) == (ALL_OLD, before, set())
    assert all(rolling.served)


def test_a_failed_migration_changes_nothing_else(rolling: Replicas) -> None:
    rolling.fails = lambda argv: argv == COMPOSE.migrate()
    outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.result, placed(*rolling.changes)) == ("failed", ["run --rm --no-deps -T migrate"])


@pytest.mark.parametrize("phase", deploy.ROLLING, ids=lambda phase: phase.__name__)
def test_what_a_deploy_killed_in_any_phase_left_converges(
    phase: Phase, rolling: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rolling.values
    monkeypatch.setattr(deploy, "ROLLING", tuple(_killed(each) if each is phase else each for each in deploy.ROLLING))
    with pytest.raises(Killed):
        carry_out(deploy.request("1.1.0"), rolling)
    monkeypatch.setattr(deploy, "ROLLING", ())
    finished = phase.__name__ == "finish"
    outcome = carry_out(deploy.request("1.1.0" if finished else "1.0.0"), rolling)
    assert outcome.result == "unchanged"
    assert rolling.releases == (ALL_NEW if finished else ALL_OLD)
    assert rolling.drained == set()
    assert all(rolling.served)
    if not finished:
        assert rolling.values == before
    assert audit(rolling)[-1]["taken_over"]["live"] == ("1.1.0" if finished else "1.0.0")


@pytest.mark.parametrize("at", range(23))
def test_what_a_deploy_killed_at_any_of_its_commands_left_converges(at: int, rolling: Replicas) -> None:
    def kill(argv: Argv) -> bool:
        if mutating(argv) and len(rolling.changes) == at + 1:
            raise Killed
        return False

    before = rolling.values
    rolling.begin(1)
    rolling.fails = kill
    with pytest.raises(Killed):
        carry_out(deploy.request("1.1.0"), rolling)
    rolling.fails = lambda _argv: False
    assert carry_out(deploy.request("1.0.0"), rolling).result == "unchanged"
    assert rolling.releases == {service: releases * 2 for service, releases in ALL_OLD.items()}
    assert (rolling.values, rolling.drained) == (before, set())
    assert all(rolling.served)


def test_a_rollback_that_was_killed_goes_on_to_the_old_release(
    rolling: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(deploy.request("1.1.0"), rolling)
    whole = rollback.ROLLING
    monkeypatch.setattr(rollback, "ROLLING", tuple(_killed(e) if e.__name__ == "roll_api" else e for e in whole))
    with pytest.raises(Killed):
        carry_out(rollback.request(""), rolling)
    assert rolling.releases == {"api-blue": ["1.0.0"], "worker-blue": ["1.1.0"]}
    assert carry_out(deploy.request("1.0.0"), rolling).result == "unchanged"
    assert rolling.releases == ALL_OLD


def test_a_rollback_returns_to_the_previous_release_and_not_further(rolling: Replicas) -> None:
    carry_out(deploy.request("1.1.0"), rolling)
    rolling.argvs.clear()
    outcome = carry_out(rollback.request(""), rolling)
    assert (outcome.result, outcome.status, outcome.release, outcome.previous) == ("rolled-back", 0, "1.0.0", "1.1.0")
    assert rolling.releases == ALL_OLD
    assert list(outcome.phases) == ["lock", "plan", *(phase.__name__ for phase in rollback.ROLLING)]
    assert COMPOSE.migrate() not in rolling.argvs
    again = carry_out(rollback.request(""), rolling)
    assert (again.result, again.status) == ("refused", 2)


def test_a_rollback_that_cannot_start_the_old_release_keeps_the_new_one(rolling: Replicas) -> None:
    carry_out(deploy.request("1.1.0"), rolling)
    before = rolling.values
    rolling.fails = lambda argv: argv == COMPOSE.one_more("api-blue", 1)
    outcome = carry_out(rollback.request(""), rolling)
    assert (outcome.result, outcome.status) == ("failed", 1)
    assert (rolling.releases, rolling.values) == (ALL_NEW, before)


def test_a_way_back_that_fails_is_no_rollback_and_is_found_by_the_next_run(rolling: Replicas) -> None:
    stuck = ("docker", "stop", "api-blue/5")
    rolling.fails = lambda argv: argv in {COMPOSE.one_more("worker-blue", 1), stuck}
    outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.result, outcome.status) == ("failed", 1)
    rolling.fails = lambda _argv: False
    assert carry_out(deploy.request("1.0.0"), rolling).result == "unchanged"
    assert rolling.releases == ALL_OLD
    assert "taken_over" in audit(rolling)[-1]


def test_a_file_that_cannot_be_written_does_not_keep_the_replicas_from_going_back(
    rolling: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite, written = environment.rewrite, []

    def full(path: Path, changes: dict[str, str]) -> None:
        written.append(changes)
        if len(written) > 1:
            raise OSError("no space left")
        rewrite(path, changes)

    monkeypatch.setattr(environment, "rewrite", full)
    outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.result, outcome.status, rolling.releases) == ("failed", 1, ALL_OLD)
    assert "no space left" in outcome.reason


def test_a_release_that_stands_by_from_blue_green_is_removed_first(
    rolling: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEPLOY_STRATEGY")
    carry_out(deploy.request("1.1.0"), rolling)
    assert rolling.releases.keys() == {"api-blue", "worker-blue", "api-green", "worker-green"}
    monkeypatch.setenv("DEPLOY_STRATEGY", "rolling")
    rolling.images |= {each.replace("1.0.0", "1.2.0") for each in IMAGES}
    rolling.argvs.clear()
    assert carry_out(deploy.request("1.2.0"), rolling).result == "deployed"
    assert placed(*rolling.changes)[1] == "rm --stop --force api-blue worker-blue"
    assert rolling.releases == {"api-green": ["1.2.0"], "worker-green": ["1.2.0"]}
    assert rolling.values["RELEASE_BLUE"] == "1.1.0"


def test_a_release_that_stands_by_is_turned_to_because_nothing_is_quicker(
    rolling: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEPLOY_STRATEGY")
    carry_out(deploy.request("1.1.0"), rolling)
    monkeypatch.setenv("DEPLOY_STRATEGY", "rolling")
    outcome = carry_out(rollback.request(""), rolling)
    assert (outcome.result, outcome.colour, rolling.active) == ("rolled-back", "blue", "blue")
    assert "switch" in outcome.phases


def test_blue_green_goes_back_from_a_rolling_deploy(rolling: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(deploy.request("1.1.0"), rolling)
    monkeypatch.delenv("DEPLOY_STRATEGY")
    assert carry_out(rollback.request(""), rolling).result == "rolled-back"
    assert (rolling.active, rolling.of("api-green"), rolling.of("worker-green")) == ("green", ["1.0.0"], ["1.0.0"])


def test_the_running_release_is_left_alone(rolling: Replicas) -> None:
    outcome = carry_out(deploy.request("1.0.0"), rolling)
    assert (outcome.result, outcome.status, rolling.changes) == ("unchanged", 0, [])


def test_only_what_is_not_of_the_release_is_replaced(rolling: Replicas) -> None:
    rolling.bear("api-blue", "1.1.0")
    rolling.bear("worker-blue", "1.1.0")
    assert carry_out(deploy.request("1.1.0"), rolling).result == "deployed"
    assert rolling.releases == {"api-blue": ["1.1.0"] * 2, "worker-blue": ["1.1.0"] * 2}
    assert rolling.containers[0].id == "api-blue/3"


def test_a_gateway_without_a_free_place_is_refused(rolling: Replicas) -> None:
    rolling.begin(3)
    outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.result, outcome.status, rolling.changes) == ("refused", 2, [])
    assert "4 places" in outcome.reason
    assert "--scale api-blue=3" in outcome.reason


@pytest.mark.parametrize("release", ["2.0.0", "../1.0.0"])
def test_a_release_that_is_not_there_is_refused(release: str, rolling: Replicas) -> None:
    outcome = carry_out(deploy.request(release), rolling)
    assert (outcome.result, outcome.status, rolling.changes) == ("refused", 2, [])


def test_an_unknown_strategy_is_refused_by_name(rolling: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_STRATEGY", "canary")
    outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.status, rolling.argvs) == (2, [])
    assert "DEPLOY_STRATEGY is 'canary', neither blue-green nor rolling" in outcome.reason


def test_a_second_change_is_refused_and_names_the_first(rolling: Replicas) -> None:
    with holder(rolling, before="{}"):
        outcome = carry_out(deploy.request("1.1.0"), rolling)
    assert (outcome.result, outcome.status, rolling.changes) == ("refused", 2, [])


def test_every_change_is_recorded(rolling: Replicas) -> None:
    carry_out(deploy.request("1.1.0"), rolling)
    records = audit(rolling)
    assert [(each["result"], each["strategy"], each["colour"]) for each in records] == [("deployed", "rolling", "blue")]
    assert records[0]["images"]["api-blue"] == "sha256:docjobs-api:1.1.0"


class Killed(BaseException):
    """As SIGKILL: nothing is undone, the note stays in the lock."""


def _failing(phase: Phase) -> Phase:
    def failing(change: object) -> None:
        if phase.__name__ != "finish":
            phase(change)
        raise StepFailed("it broke")

    failing.__name__ = phase.__name__
    return failing


def _killed(phase: Phase) -> Phase:
    def killed(change: object) -> None:
        phase(change)
        raise Killed

    killed.__name__ = phase.__name__
    return killed
