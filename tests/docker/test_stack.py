"""Stacks of a real system on a real engine: ours alone, side by side, hurt with a witness, and gone without a trace."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import faults
from fixtures.clients.api import Api
from fixtures.clients.database import Database
from fixtures.clients.docker import Engine, kill_process, process_start
from fixtures.compose import ComposeError, read_env
from fixtures.ledger import Ledger
from fixtures.load import load
from fixtures.reap import leftovers, reap
from fixtures.release import differences, snapshot
from fixtures.stack import ComposeStack, StackFailed, prepare
from fixtures.steady import SteadyState
from fixtures.wait import Unreachable, until
from gate import owner, shell
from gate.target import Target
from gate.target import load as load_target

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
RUN = f"test{os.getpid()}"
IDLE = {"services": {name: {"command": ["sleep", "60"], "healthcheck": {"disable": True}} for name in ("{worker}",)}}


def base_image() -> dict[str, str]:
    """The base that set-up found or built for this machine; the example's own default where it did not run."""
    env = ROOT / ".env"
    found = read_env(env.read_text()).get("BASE_IMAGE") if env.is_file() else None
    return {"BASE_IMAGE": found} if found else {}


@pytest.fixture(scope="module")
def target() -> Target:
    return load_target(ROOT / "examples/minimal/readiness.toml", profile="quick")


def make(target: Target, folder: Path, name: str, **options: object) -> ComposeStack:
    return ComposeStack(target, RUN, folder, name, env=base_image(), **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def stack(target: Target, folder: Path) -> Iterator[ComposeStack]:
    prepare(target)
    made = make(target, folder, "one")
    try:
        made.start()
        yield made
    finally:
        made.stop()
        assert not made.present()


@pytest.fixture
def ledger(stack: ComposeStack) -> Iterator[Ledger]:
    api = Api(stack)
    yield Ledger(api, Database(stack))
    api.close()


def test_it_comes_up_in_phases_and_every_role_is_there(stack):
    assert list(stack.phases)[-3:] == ["create", "roles ready", "api ready"]
    assert [len(stack.containers(role)) for role in ("api", "worker", "database", "one_shot")] == [1, 2, 1, 0]
    assert stack.unready() == []
    assert all(c.role and c.health == "healthy" and c.pid > 1 and c.user for c in stack.containers())


def test_everything_carries_our_labels_and_is_published_on_loopback_only(stack):
    mine = [f"{owner.RUN_LABEL}={RUN}", f"{owner.OWNER_LABEL}={owner.label()}"]
    assert len(stack.engine.inspect_all(mine)) == len(stack.all_containers()) == 5
    assert len(stack.engine.networks(mine)) == 2
    assert len(stack.engine.volumes(mine)) == 1
    (api,) = stack.containers("api")
    host, port = stack.endpoint(api.service, stack.target.api.port)
    assert host == "127.0.0.1"
    assert port != stack.target.api.port


def test_two_side_by_side_share_nothing_and_stopping_one_leaves_the_other(stack, target, folder):
    other = make(target, folder, "two")
    try:
        other.start()
        first, second = Api(stack), Api(other)
        job = Ledger(second).submit()
        assert second.ready()
        assert first.state(job) is None
        assert stack.endpoint("web", 9080) != other.endpoint("web", 9080)
        first.close(), second.close()
    finally:
        other.stop()
    assert not other.present()
    assert stack.unready() == []


def test_variables_of_the_caller_cannot_redirect_a_stack(stack, monkeypatch):
    for name in ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_ENV_FILES"):
        monkeypatch.setenv(name, "/nowhere/else")
    assert stack.unready() == []


def test_the_database_is_read_through_its_own_container(stack):
    database = Database(stack)
    assert database.rows("SELECT 1, NULL, '', 'a,\"b\nc'") == [("1", None, "", 'a,"b\nc')]
    assert database.rows("SELECT ''") == [("",)]
    assert database.rows("SELECT 1 WHERE false") == []
    assert database.value("SELECT 'é'") == "é"
    assert "CREATE TABLE" in database.schema()
    with pytest.raises(AssertionError, match="nothing_here"):
        database.rows("SELECT * FROM nothing_here")


def test_a_session_that_stays_reads_the_same_and_outlives_the_database(stack):
    database = Database(stack)
    session = database.session()
    for sql in ("SELECT 1, NULL, '', 'a,\"b\nc'", "SELECT ''", "SELECT 1 WHERE false", "SELECT 'é'", "SELECT 1;"):
        assert session.rows(sql) == database.rows(sql)
    with pytest.raises(AssertionError, match="nothing_here"):
        session.rows("SELECT * FROM nothing_here")
    with pytest.raises(Unreachable, match="terminating connection"):
        session.rows("SELECT pg_terminate_backend(pg_backend_pid())")
    assert session.value("SELECT 1") == "1"
    session.close()


def test_a_picture_repeats_until_something_changes(stack):
    before = snapshot(stack)
    assert differences(before, snapshot(stack)) == []
    Database(stack).rows("CREATE TABLE planted AS SELECT 1 AS one")
    try:
        said = differences(before, snapshot(stack))
        assert any(line.startswith("schema: ") for line in said)
        assert any(line.startswith("rows: public.planted was absent") for line in said)
        first = snapshot(stack)
        Database(stack).rows("UPDATE planted SET one = 2")
        assert [line.split()[1] for line in differences(first, snapshot(stack))] == ["public.planted"]
    finally:
        Database(stack).rows("DROP TABLE planted")


def test_jobs_under_load_are_all_accounted_for_by_the_database(stack, ledger):
    result = load(stack, users=5, seconds=60, jobs=10)
    api = Api(stack)
    ledger.adopt(result.entries(api))
    api.close()
    ledger.follow()
    account = ledger.reconcile()
    assert (account.succeeded, account.lost, account.duplicated, account.unexpected) == (10, 0, 0, 0)
    assert account.witnessed
    assert result.generator_cpu < 0.7


def test_a_planted_loss_and_a_planted_duplicate_are_found(stack, ledger):
    lost, twice = ledger.submit(), ledger.submit()
    ledger.follow()
    Database(stack).rows(f"DELETE FROM posted WHERE task_ref = '{lost}'")  # noqa: S608
    before = ledger.reconcile()
    assert (before.lost_jobs, before.duplicated) == ((lost,), 0)
    Database(stack).rows(f"INSERT INTO posted SELECT * FROM posted WHERE task_ref = '{twice}'")  # noqa: S608
    assert ledger.reconcile().duplicated_jobs == (twice,)


def test_a_killed_worker_comes_back_by_itself_and_its_jobs_are_done_once(stack, ledger):
    api = Api(stack)
    state = SteadyState(stack, api, ledger)
    state.demand()
    jobs = [ledger.submit() for _ in range(4)]
    with faults.killed(stack, stack.containers("worker")[0]) as wound:
        assert not process_start(wound.container.pid)
        assert wound.restarted(within=30) < 30
    ledger.follow(within=60)
    account = ledger.reconcile()
    assert account.succeeded == len(jobs) + 1
    assert (account.lost, account.duplicated) == (0, 0)
    state.reached(within=30)
    api.close()


@pytest.mark.parametrize(("kind", "status"), [("paused", "paused"), ("stopped", "exited")])
def test_a_fault_shows_while_it_lasts_and_is_healed_also_when_the_check_breaks(stack, kind, status):
    hurt = stack.containers("worker")[0]

    def now() -> str:
        return next(c.status for c in stack.all_containers() if c.id == hurt.id)

    def broken_check() -> None:
        with faults.KINDS[kind](stack, hurt):
            assert now() == status
            assert stack.unready() != []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_check()
    assert now() == "running"
    until(lambda: not stack.unready(), 30, "all ready again")


def test_an_overlay_that_changes_nothing_is_no_sabotage(target, folder):
    with pytest.raises(ComposeError, match="changes nothing"):
        make(target, folder, "same", overlay={"services": {"{worker}": {"stop_grace_period": "20s"}}})


def test_a_service_that_never_comes_up_is_named_with_what_it_said(target, folder):
    dying = {"services": {"{api}": {"command": ["sh", "-c", "echo cannot find my shoes >&2; exit 3"]}}}
    broken = make(target, folder, "broken", overlay=dying)
    try:
        with pytest.raises(StackFailed, match=r"(?s)web.*cannot find my shoes"):
            broken.start(within=12)
    finally:
        broken.stop()
    assert not broken.present()


def test_what_the_systems_own_commands_leave_behind_goes_with_the_stack(target, folder):
    left = make(
        target, folder, "left", commands={"deploy": ["docker", "compose", "run", "--detach", "--no-deps", "runner"]}
    )
    try:
        left.command("deploy").check("leaving a container behind")
        assert len(left.present().containers) == 1
        assert left.all_containers() == ()
    finally:
        left.stop()
    assert not left.present()


@pytest.fixture
def strangers(stack: ComposeStack) -> Iterator[list[str]]:
    """Containers that are not ours to touch: one without our label, one whose label we do not understand."""
    image = stack.containers("worker")[0].image_id
    labels = ([], ["--label", f"{owner.OWNER_LABEL}=somebody"])
    made = [
        shell.run(["docker", "create", *label, image, "true"]).check("docker create").stdout.strip() for label in labels
    ]
    yield made
    for container_id in made:
        Engine().remove_container(container_id)


CHILD = """
import sys
from pathlib import Path
from fixtures.stack import ComposeStack
from gate.target import load
stack = ComposeStack(load(Path(sys.argv[1]), "quick"), sys.argv[2], Path(sys.argv[3]), "child", keep=sys.argv[4] == "keep")
stack._own(["docker", "compose", "up", "--detach", "--no-deps", "runner"], 60).check("up")
print("up", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("keep", "stays"), [("-", False), ("keep", True)])
def test_after_kill_9_the_next_command_reaps_what_was_left_and_nothing_else(
    stack, strangers, target, tmp_path, keep, stays
):
    run = f"{RUN}{keep.strip('-')}dead"
    arguments = [sys.executable, "-c", CHILD, str(target.file), run, str(tmp_path), keep]
    child = shell.start(arguments, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdin=-1)
    try:
        assert child.stdout.readline() == "up\n", child.stderr.read()
        assert len(leftovers(run).containers) == 2
        reap()
        assert len(leftovers(run).containers) == 2
        kill_process(child.pid)
        assert child.wait() == -signal.SIGKILL
        reap()
        assert bool(leftovers(run)) is stays
        assert stack.unready() == []
        assert all(Engine().inspect(container_id) for container_id in strangers)
    finally:
        shell.end(child)
        for stream in (child.stdin, child.stdout, child.stderr):
            stream.close()
        for container_id in leftovers(run).containers:
            Engine().remove_container(container_id)
        for network in leftovers(run).networks:
            Engine().remove_network(network)
        for volume in leftovers(run).volumes:
            Engine().remove_volume(volume)
