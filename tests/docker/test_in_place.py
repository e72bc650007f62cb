"""The built-in release commands on a real system: good releases, bad ones, and commands that are killed half way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import release
from fixtures.clients.api import Api
from fixtures.compose import read_env
from fixtures.identity import unlike_declared
from fixtures.stack import ComposeStack, prepare
from fixtures.template import filled
from fixtures.wait import until
from gate.target import load

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = "2026.10", "2026.11"
ATTEMPTS = 8  # compose has a container half made for a fraction of a second, seen by asking the engine again and again


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    target = load(ROOT / "examples/minimal/readiness.toml", profile="quick")
    env = ROOT / ".env"
    base = read_env(env.read_text()).get("BASE_IMAGE") if env.is_file() else None
    prepare(target)
    folder = tmp_path_factory.mktemp("run")
    made = ComposeStack(target, f"test{os.getpid()}", folder, "place", env={"BASE_IMAGE": base} if base else None)
    try:
        for version in (OLD, NEW, f"{NEW}-never-ready", f"{NEW}-dies", f"{NEW}-errors"):
            release.built(made, version)
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def on_old(stack: ComposeStack) -> ComposeStack:
    release.deploy(stack, OLD).check("putting the old release in place")
    return stack


def begun(stack: ComposeStack, phase: str) -> subprocess.Popen[str]:
    """A deployment of the new release that has just begun this phase."""
    argv = filled(list(stack.target.commands["deploy"]), {"release": NEW})
    env = {**os.environ, **stack.target.commands_env, **stack.environment}
    process = subprocess.Popen(
        argv, cwd=stack.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert any(line.rstrip().endswith(f"  {phase}") for line in process.stderr), phase
    return process


def demand(stack: ComposeStack, version: str) -> None:
    api = Api(stack)
    try:
        assert api.version() == version
    finally:
        api.close()
    assert unlike_declared(stack) == []
    assert stack.unready() == []
    assert f"MAILROOM_RELEASE={version}\n" in stack.env_file.read_text()
    assert {c.image.rpartition(":")[2] for role in ("api", "worker") for c in stack.containers(role)} == {version}


def test_a_release_goes_live_once_and_comes_back(on_old):
    planned = release.dry_run(on_old, NEW)
    assert planned.ok
    assert "leave pg as it is" in planned.completed.stdout
    demand(on_old, OLD)
    assert release.deploy(on_old, NEW).report["result"] == "deployed"
    demand(on_old, NEW)
    again = release.deploy(on_old, NEW)
    assert (again.completed.status, again.report["result"], list(again.phases)) == (0, "unchanged", ["plan"])
    assert release.roll_back(on_old).report["result"] == "rolled-back"
    demand(on_old, OLD)
    nowhere = release.roll_back(on_old)
    assert (nowhere.completed.status, nowhere.report["result"]) == (2, "refused")


def test_a_release_that_is_not_here_changes_nothing(on_old):
    before = release.snapshot(on_old)
    refused = release.deploy(on_old, "2027.01")
    assert refused.completed.status == 2
    assert "mailroom-app:2027.01" in refused.report["reason"]
    assert release.differences(before, release.snapshot(on_old)) == []


@pytest.mark.parametrize(
    ("bad", "phase", "reason"),
    [
        ("never-ready", "ready", "never ready, on purpose"),
        ("dies", "canary", "died of work"),
        ("errors", "bake", "requests failed"),
    ],
)
def test_a_bad_release_is_taken_back_by_itself_and_says_why(on_old, bad, phase, reason):
    refused = release.deploy(on_old, f"{NEW}-{bad}")
    assert (refused.completed.status, refused.report["result"]) == (1, "failed")
    assert reason in refused.report["reason"]
    assert [name for name in refused.phases if not name.startswith("back: ")][-1] == phase
    demand(on_old, OLD)


@pytest.mark.parametrize("phase", ["start", "ready", "identity", "canary", "bake"])
def test_a_deployment_that_was_killed_is_no_way_back_and_the_next_one_converges(on_old, phase):
    with begun(on_old, phase) as process:
        process.kill()
    assert release.deploy(on_old, NEW).report["previous"] == OLD
    demand(on_old, NEW)
    assert '"result": "interrupted"' in (on_old.state / "stack.env.audit.ndjson").read_text()


def test_a_container_that_was_half_made_is_in_nobodys_way(on_old):
    for _ in range(ATTEMPTS):
        end_half_way(on_old, signal.SIGKILL)
        left = half_made(on_old)
        assert release.roll_back(on_old).ok
        assert not half_made(on_old)
        demand(on_old, OLD)
        if left:
            return
    pytest.fail(f"compose had replaced the container before the signal reached it, {ATTEMPTS} times")


def test_a_deployment_that_is_asked_to_end_leaves_nothing_half_made(on_old):
    end_half_way(on_old, signal.SIGTERM)
    assert not half_made(on_old)
    demand(on_old, OLD)


def end_half_way(stack: ComposeStack, number: signal.Signals) -> None:
    """Deploy the new release, and send a signal when compose has made a container beside the one that it replaces."""
    with begun(stack, "start") as process:
        until(lambda: half_made(stack), 20, "compose has made a container beside the one that it replaces", every=0.02)
        process.send_signal(number)
        process.communicate()


def half_made(stack: ComposeStack) -> list[str]:
    """Names of containers that compose has created in another's place and not started."""
    return [c.name for c in stack.all_containers() if c.status == "created" and "_" in c.name]


@pytest.mark.parametrize("phase", ["start", "bake"])
def test_a_deployment_that_is_asked_to_end_goes_back(on_old, phase):
    with begun(on_old, phase) as process:
        process.send_signal(signal.SIGTERM)
        said = json.loads(process.communicate()[0].splitlines()[-1])
    assert (process.returncode, said["result"]) == (1, "failed")
    assert "interrupted by SIGTERM" in said["reason"]
    demand(on_old, OLD)


def test_a_second_deployment_is_refused_and_names_the_first(on_old):
    with begun(on_old, "ready") as process:
        second = release.deploy(on_old, NEW)
        process.communicate()
    assert second.completed.status == 2
    assert f"deploy {NEW}, by" in second.report["reason"]
    assert f"(pid {process.pid}" in second.report["reason"]
    demand(on_old, NEW)
