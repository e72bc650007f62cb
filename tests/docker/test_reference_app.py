"""The application of the reference system on a real PostgreSQL: what it promises about jobs, whatever happens to its worker."""

from __future__ import annotations

import json
import os
import signal
import time
import tomllib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.compose import read_env
from fixtures.wait import until
from gate.shell import Completed, run
from procedures import token

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "tests/docker/reference_app.compose.yml"
RELEASES = ("1.0.0", "1.1.0")
FAILING = ("1.1.3-failing-migration", "1.1.6-failing-late-migration")
FINISHED = {"succeeded", "failed", "cancelled"}
# The system's own tags stay as they are: somebody may run them.
REGISTRY = f"readygate-test-{os.getpid()}/"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


def environment(release: str) -> dict[str, str]:
    about = tomllib.loads((ROOT / f"reference/releases/{release}/release.toml").read_text(encoding="utf-8"))
    env_file = ROOT / ".env"
    base = read_env(env_file.read_text()).get("BASE_IMAGE") if env_file.is_file() else os.environ.get("BASE_IMAGE")
    return {
        **os.environ,
        "RELEASE": release,
        "PARENT": about.get("parent", release),
        "REVISION": "test",
        "CREATED": "2026-01-01T00:00:00Z",
        "CA_BUNDLE": str(CA_BUNDLE) if CA_BUNDLE.is_file() else "/dev/null",
        "DOCJOBS_REGISTRY": REGISTRY,
    } | ({"BASE_IMAGE": base} if base else {})


@dataclass(frozen=True)
class System:
    """The running application."""

    project: str
    secrets: Path

    def compose(self, *arguments: str, release: str = "1.0.0", timeout_s: float = 120) -> Completed:
        argv = ["docker", "compose", "-p", self.project, "-f", str(COMPOSE), *arguments]
        return run(argv, env=environment(release) | {"SECRETS": str(self.secrets)}, timeout_s=timeout_s)

    def migrate(self, command: str, release: str = "1.0.0", **variables: str) -> Completed:
        given = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
        argv = ("run", "--rm", "-T", *given, "migrate", "python", "-m", "docjobs.migrate", command)
        return self.compose(*argv, release=release)

    def control(self, *arguments: str) -> Completed:
        return self.compose("exec", "-T", "worker", "python", "-m", "docjobs.control", *arguments)

    def sql(self, statement: str, user: str = "postgres") -> Completed:
        return self.compose("exec", "-T", "db", "psql", "-AtU", user, "-d", "docjobs", "-c", statement)

    def client(self, tenant: str = "acme", role: str = "operator", subject: str = "alice") -> httpx.Client:
        said = token.claims(tenant=tenant, role=role, subject=subject, ttl_s=600, at=time.time())
        bearer = token.signed(said, self.secrets / "private.pem")
        address = self.compose("port", "api", "8000").stdout.strip()
        return httpx.Client(base_url=f"http://{address}", headers={"Authorization": f"Bearer {bearer}"}, timeout=20)

    def effects(self, ids: list[str]) -> dict[str, int]:
        rows = self.sql("SELECT job_id, count(*) FROM docjobs.effect GROUP BY 1").stdout.split()
        counted = {job: int(number) for job, number in (row.split("|") for row in rows)}
        return {job: counted.get(job, 0) for job in ids}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    secrets = tmp_path_factory.mktemp("secrets")
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    nobody = serialization.NoEncryption()
    (secrets / "private.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, nobody))
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (secrets / "public.pem").write_bytes(public)
    (secrets / "owner").write_text("owner-of-the-test")
    (secrets / "app").write_text("app-of-the-test")
    (secrets / "metrics").write_text("metrics-of-the-test")
    for path in (secrets, secrets.parent, secrets.parent.parent):
        path.chmod(0o755)
    made = System(f"readygate-test-app-{os.getpid()}", secrets)
    build = ["docker", "compose", "-f", "reference/build.compose.yml", "build", "api", "worker", "migrate"]
    for release in RELEASES:
        run(build, cwd=ROOT, env=environment(release), timeout_s=900).check(f"building {release}")
    for release in FAILING:
        run([*build[:-3], "migrate"], cwd=ROOT, env=environment(release), timeout_s=900).check(f"building {release}")
    try:
        made.compose("up", "-d", "--build", "db", "api", "worker", timeout_s=900).check("starting the application")
        until(lambda: made.sql("SELECT 1").status == 0, 60, "PostgreSQL answers")
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "1", "--rmi", "local")
        images = [f"{REGISTRY}docjobs-{name}:{r}" for name in ("api", "worker", "migrate") for r in RELEASES]
        images += [f"{REGISTRY}docjobs-migrate:{release}" for release in FAILING]
        run(["docker", "image", "rm", "--force", *images], timeout_s=60)


@pytest.fixture
def client(system: System) -> Iterator[httpx.Client]:
    with system.client() as made:
        yield made


def answers(client: httpx.Client) -> bool:
    """Whether it answers; a published port accepts connections before anybody listens behind it."""
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def submit(client: httpx.Client, text: str = "some words", **more: str) -> str:
    body = {"title": "a test", "text": text, **more}
    answer = client.post("/v1/jobs", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def finished(client: httpx.Client, ids: list[str], within: float = 60) -> list[dict[str, Any]]:
    jobs: dict[str, dict[str, Any]] = {}

    def all_done() -> bool:
        for job in set(ids) - set(jobs):
            seen = client.get(f"/v1/jobs/{job}").json()
            if seen["state"] in FINISHED:
                jobs[job] = seen
        return len(jobs) == len(ids)

    until(all_done, within, "every job is finished")
    return [jobs[job] for job in ids]


def worker_pid(system: System) -> int:
    container = system.compose("ps", "-q", "worker").stdout.strip()
    return int(run(["docker", "inspect", "-f", "{{.State.Pid}}", container]).stdout)


def test_services_that_start_before_the_schema_wait_for_it(system: System) -> None:
    with system.client() as client:
        until(lambda: answers(client), 30, "the API answers")
        before = client.get("/readyz")
        assert before.status_code == 503
        assert "schema" in before.json()["missing"]
        with ThreadPoolExecutor(2) as both:
            outcomes = list(both.map(lambda _: system.migrate("expand"), range(2)))
        assert [outcome.status for outcome in outcomes] == [0, 0]
        applied = sorted(json.loads(outcome.stdout.splitlines()[-1])["applied"] for outcome in outcomes)
        assert applied == [[], [1, 2]]
        until(lambda: client.get("/readyz").status_code == 200, 20, "the API is ready")
        assert finished(client, [submit(client)])[0]["state"] == "succeeded"


def test_an_api_that_waited_for_its_schema_is_ready_only_once_it_knows_what_is_revoked(system: System) -> None:
    """Between the two answers of the database nobody may be sent to an API that would refuse every token."""
    script = """
import asyncio
from docjobs.api import readiness
from docjobs.api.lookout import Lookout
from docjobs.settings import ApiSettings
from docjobs.store import revocation

async def main():
    lookout, read, unmet = Lookout(ApiSettings.load()), revocation.read, readiness.unmet
    async def no_schema(connection):
        return {"schema": "no schema yet"}
    async def observed(connection):
        print("while revocations are read:", *lookout.missing)
        return await read(connection)
    readiness.unmet = no_schema
    await lookout.look()
    readiness.unmet, revocation.read = unmet, observed
    await lookout.look()
    print("afterwards:", *lookout.missing)

asyncio.run(main())
"""
    said = system.compose("exec", "-T", "api", "python", "-c", script).check("looking twice")
    assert said.stdout.splitlines() == ["while revocations are read: schema", "afterwards:"]


def test_a_key_stands_for_one_job_for_ever(system: System, client: httpx.Client) -> None:
    body, key = {"title": "a", "text": "b"}, {"Idempotency-Key": str(uuid.uuid4())}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/jobs", json=body, headers=key), range(8)))
    assert {answer.status_code for answer in answers} == {202}
    (job,) = {answer.json()["id"] for answer in answers}
    finished(client, [job])
    assert client.post("/v1/jobs", json=body, headers=key).json()["id"] == job
    assert client.post("/v1/jobs", json={**body, "text": "c"}, headers=key).status_code == 409
    assert system.effects([job]) == {job: 1}


def test_who_may_not_see_a_job_cannot_tell_it_from_none(system: System, client: httpx.Client) -> None:
    job = submit(client)
    expected = {
        ("acme", "operator", "bob"): (200, 202),
        ("acme", "auditor", "bob"): (200, 403),
        ("acme", "submitter", "bob"): (404, 202),
        ("acme", "submitter", "alice"): (200, 202),
        ("other", "operator", "alice"): (404, 202),
    }
    for (tenant, role, subject), (read, write) in expected.items():
        with system.client(tenant, role, subject) as other:
            assert other.get(f"/v1/jobs/{job}").status_code == read, (tenant, role, subject)
            assert other.post("/v1/jobs", json={"title": "a", "text": "b"}).status_code == write
            listed = {item["id"] for item in other.get("/v1/jobs", params={"limit": 200}).json()["items"]}
            assert (job in listed) == (read == 200)
            if read == 404:
                answer = other.post(f"/v1/jobs/{job}/cancel")
                assert answer.status_code in {403, 404}
    assert finished(client, [job])[0]["state"] == "succeeded"
    assert httpx.get(f"{client.base_url}/v1/jobs/{job}").status_code == 401


def test_a_listing_gives_every_job_once(client: httpx.Client) -> None:
    made = {submit(client) for _ in range(7)}
    seen: list[str] = []
    query: dict[str, str] = {"limit": "3"}
    while True:
        page = client.get("/v1/jobs", params=query).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert made <= set(seen)
    assert len(seen) == len(set(seen))
    finished(client, sorted(made))


def test_a_killed_worker_s_jobs_are_done_once_by_another_attempt(system: System, client: httpx.Client) -> None:
    victim = worker_pid(system)
    ids = [submit(client) for _ in range(5)]
    until(lambda: client.get(f"/v1/jobs/{ids[-1]}").json()["state"] == "running", 10, "the last one runs")
    os.kill(victim, signal.SIGKILL)
    done = finished(client, ids)
    assert {job["state"] for job in done} == {"succeeded"}
    assert done[-1]["attempts"] == 2
    assert set(system.effects(ids).values()) == {1}


def test_a_stopped_worker_finishes_what_it_runs_and_burns_no_attempt(system: System, client: httpx.Client) -> None:
    ids = [submit(client) for _ in range(8)]
    until(lambda: any(client.get(f"/v1/jobs/{job}").json()["state"] == "running" for job in ids), 10, "some run")
    system.compose("stop", "worker").check("stopping the worker")
    states = {client.get(f"/v1/jobs/{job}").json()["state"] for job in ids}
    assert "running" not in states
    system.compose("start", "worker").check("starting the worker")
    done = finished(client, ids)
    assert {(job["state"], job["attempts"]) for job in done} == {("succeeded", 1)}
    assert set(system.effects(ids).values()) == {1}


def test_a_worker_that_the_database_refuses_for_a_while_goes_on_afterwards(system: System) -> None:
    def beats() -> bool:
        return system.compose("exec", "-T", "worker", "python", "-m", "docjobs.worker", "--healthcheck").status == 0

    until(beats, 15, "its heart beats")
    system.sql("REVOKE SELECT ON docjobs.worker FROM docjobs_app").check("taking a right away")
    try:
        until(lambda: not beats(), 60, "its heart stands still")
    finally:
        system.sql("GRANT SELECT ON docjobs.worker TO docjobs_app").check("giving it back")
    until(beats, 15, "its heart beats again")


def test_a_cancelled_job_leaves_no_effect_though_it_was_running(system: System, client: httpx.Client) -> None:
    job = submit(client)
    until(lambda: client.get(f"/v1/jobs/{job}").json()["state"] == "running", 10, "it runs")
    assert client.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    later = submit(client)
    finished(client, [later])
    assert client.get(f"/v1/jobs/{job}").json()["state"] == "cancelled"
    assert system.effects([job]) == {job: 0}
    assert client.post(f"/v1/jobs/{job}/retry").status_code == 202
    assert finished(client, [job])[0]["state"] == "succeeded"


def test_a_document_at_fault_fails_at_its_first_attempt(client: httpx.Client) -> None:
    body = {"title": "a", "document": "bm90IGEgcGRm", "media_type": "application/pdf"}
    job = client.post("/v1/jobs", json=body).json()["id"]
    (done,) = finished(client, [job])
    assert (done["state"], done["attempts"], done["error"]["code"]) == ("failed", 1, "document-unreadable")


def test_hands_for_others_are_none_for_whoever_is_alone(system: System, client: httpx.Client) -> None:
    """While five jobs of one tenant have all hands, its sixth waits for the first of them to end; that of another need not."""

    def began_before_one_ended(sixth: httpx.Client) -> bool | None:
        """None where one of the five ended too early to tell: a busy machine."""
        five = [submit(client) for _ in range(5)]
        until(
            lambda: all(client.get(f"/v1/jobs/{job}").json()["state"] != "queued" for job in five),
            10,
            "all are in hands",
        )
        last = finished(sixth, [submit(sixth)])[0]
        first_end = min(job["finished_at"] for job in finished(client, five))
        return last["started_at"] < first_end if last["created_at"] < first_end else None

    assert until_known(lambda: began_before_one_ended(client)) is False
    with system.client("other") as other:
        assert any(began_before_one_ended(other) for _ in range(10))


def until_known(ask: Callable[[], bool | None]) -> bool | None:
    """The first of ten answers that is one."""
    return next((answer for _ in range(10) if (answer := ask()) is not None), None)


def test_only_the_active_colour_takes_jobs_and_the_canary_always_runs(system: System, client: httpx.Client) -> None:
    system.control("activate", "green").check("activating green")
    try:
        job = submit(client)
        system.control("canary", "--timeout", "10").check("the canary of the idle colour")
        assert client.get(f"/v1/jobs/{job}").json()["state"] == "queued"
    finally:
        system.control("activate", "blue").check("activating blue")
    assert finished(client, [job])[0]["state"] == "succeeded"


def test_the_application_s_role_cannot_rewrite_history_nor_change_the_schema(system: System) -> None:
    for statement in (
        "DELETE FROM docjobs.effect",
        "UPDATE docjobs.effect SET attempt = 9",
        "INSERT INTO docjobs.revocation (token_id, ends_at, reason) VALUES ('a', now(), 'none')",
        "DELETE FROM docjobs.job",
        "UPDATE docjobs.schema_migration SET checksum = ''",
        "CREATE TABLE docjobs.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "DROP TABLE docjobs.chunk",
    ):
        refused = system.sql(statement, user="docjobs_app")
        assert refused.status != 0, statement
        assert "permission denied" in refused.stderr or "must be owner" in refused.stderr


@contextmanager
def a_reader_that_takes_its_time(system: System, seconds: int) -> Iterator[None]:
    """Somebody else's transaction that has read the jobs and does not end: a migration cannot have the table."""
    statement = f"LOCK TABLE docjobs.job IN ACCESS SHARE MODE; SELECT pg_sleep({seconds})"
    held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with ThreadPoolExecutor(1) as background:
        reading = background.submit(system.sql, statement)
        until(lambda: system.sql(held).stdout.strip() == "1", 10, "the reader holds the table")
        yield
        reading.result().check("reading")


def longest_read_s(client: httpx.Client, while_: Future[Completed]) -> float:
    """How long the slowest listing took until something else had ended."""
    longest = 0.0
    while not while_.done():
        answer = client.get("/v1/jobs", params={"limit": 1})
        assert answer.status_code == 200
        longest = max(longest, answer.elapsed.total_seconds())
    return longest


def test_a_migration_that_cannot_have_a_table_gives_up_after_a_while(system: System) -> None:
    with a_reader_that_takes_its_time(system, 6):
        refused = system.migrate("expand", "1.1.0", DOCJOBS_LOCK_TIMEOUT_MS="300", DOCJOBS_LOCK_ATTEMPTS="2")
    assert refused.status == 1
    said = refused.stderr.strip().splitlines()[-1]
    assert said.startswith("migrate expand: 0003_expand_language.sql, statement 1 in line 2 (ALTER TABLE docjobs.job")
    assert "lock timeout; nothing was kept" in said
    assert json.loads(system.migrate("status", "1.1.0").stdout.splitlines()[-1])["pending_expand"] == [3]


def test_the_next_release_s_schema_comes_under_a_running_old_release(system: System, client: httpx.Client) -> None:
    for _ in range(12):  # enough for the statements to be prepared, which is what a new column could break
        assert client.get("/v1/jobs").status_code == 200
    system.migrate("expand", release="1.1.0").check("expanding to 1.1.0")
    ids = [submit(client) for _ in range(6)]
    assert {job["state"] for job in finished(client, ids)} == {"succeeded"}


def test_a_migration_that_waits_for_a_table_lets_readers_pass_and_comes_through(
    system: System, client: httpx.Client
) -> None:
    with a_reader_that_takes_its_time(system, 6), ThreadPoolExecutor(1) as background:
        settings = {"DOCJOBS_LOCK_TIMEOUT_MS": "500", "DOCJOBS_LOCK_ATTEMPTS": "20"}
        migrating = background.submit(lambda: system.migrate("contract", "1.1.0", **settings))
        longest = longest_read_s(client, migrating)
        done = migrating.result().check("contracting to 1.1.0")
    assert "trying again" in done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["applied"] == [4]
    assert longest < 2
    assert client.get("/readyz").status_code == 200
    assert finished(client, [submit(client)])[0]["state"] == "succeeded"


@pytest.mark.parametrize(
    ("release", "where"),
    [
        ("1.1.3-failing-migration", "0005_expand_pages.sql, statement 1 in line 2 (CREATE INDEX job_pages"),
        ("1.1.6-failing-late-migration", "0006_expand_page_index.sql, statement 2 in line 3 (CREATE INDEX job_pages"),
    ],
)
def test_a_migration_that_fails_leaves_the_schema_as_it_was_and_says_where(
    system: System, client: httpx.Client, release: str, where: str
) -> None:
    def everything() -> str:
        ledger = system.sql("SELECT * FROM docjobs.schema_migration ORDER BY version").check("the ledger").stdout
        dump = system.compose("exec", "-T", "db", "pg_dump", "-U", "postgres", "--schema-only", "docjobs")
        # Every dump has a key of its own.
        lines = [line for line in dump.check("dumping").stdout.splitlines() if "restrict " not in line]
        return "\n".join((*lines, ledger))

    before = everything()
    refused = system.migrate("expand", release)
    assert refused.status == 1
    said = refused.stderr.strip().splitlines()[-1]
    assert said.startswith(f"migrate expand: {where}")
    assert said.endswith('column "page_count" does not exist; nothing was kept, the schema is as it was')
    assert everything() == before
    assert finished(client, [submit(client)])[0]["state"] == "succeeded"


def test_an_edited_migration_is_refused(system: System) -> None:
    statement = "UPDATE docjobs.schema_migration SET checksum = 'other' WHERE version = 2"
    system.sql(statement).check("pretending an edit")
    refused = system.migrate("expand")
    assert refused.status == 1
    assert "0002_expand_jobs.sql was edited after it was applied" in refused.stderr


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("DOCJOBS_WORKER_CONCURENCY=3", "DOCJOBS_WORKER_CONCURENCY: unknown"),
        ("DOCJOBS_DATABASE_HOST=", "DOCJOBS_DATABASE_HOST"),
        ("DOCJOBS_STAGE_WAIT_MS=soon", "DOCJOBS_STAGE_WAIT_MS"),
        ("DOCJOBS_COLOUR=red", "DOCJOBS_COLOUR"),
        ("DOCJOBS_DATABASE_PASSWORD_FILE=/nowhere", "DOCJOBS_DATABASE_PASSWORD_FILE: cannot read the file"),
        ("DOCJOBS_DATABASE_SSLMODE=verify-full", "DOCJOBS_DATABASE_CA_FILE: required"),
        ("DOCJOBS_STALLED_S=1", "DOCJOBS_STALLED_S: must be at least three times"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_before_anything_starts(system: System, setting: str, named: str) -> None:
    refused = system.compose("run", "--rm", "-T", "--no-deps", "-e", setting, "worker")
    assert refused.status == os.EX_CONFIG
    assert named in refused.stderr
    assert "of-the-test" not in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr
