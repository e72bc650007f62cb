import pytest

from fixtures.attempt import Attempts
from fixtures.steady import SteadyState
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

SWALLOWED = {"name": "deploy", "argv": ["sh", "-c", "{command:deploy} || true"]}


@check(
    "deployment.unhealthy-release",
    title="A release that never gets ready leaves the old one serving, and says so with a non-zero exit",
    why="A deployment that switches to a release which is not ready takes the service down by itself.",
    fix="Wait for readiness before the switch, go back by yourself when it does not come, and exit non-zero.",
    needs=("api", "worker", "job", "commands.deploy", "bad_releases.never_ready", "releases.previous"),
    minimum=50,
    broken_by=(
        Sabotage(id="failed-deploy-exits-zero", title="A deployment whose failure is swallowed", command=(SWALLOWED,)),
        Sabotage(
            id="failed-deploy-leaves-no-worker",
            title="A refused deployment that leaves the workers stopped",
            says="no worker",
            command=(
                {
                    "name": "deploy",
                    "argv": ["sh", "-c", "{command:deploy}; s=$?; docker compose stop {services:worker}; exit $s"],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("previous_afterwards")
def test_unhealthy_release(attempts: Attempts, steady_state: SteadyState, target: Target, evidence: Evidence) -> None:
    for bad in target.bad_releases["never_ready"] + target.bad_releases.get("misconfigured", ()):
        attempt = attempts.of(bad)
        attempt.record(evidence)
        attempt.demand_refused(attempts.tolerated)
        steady_state.reached(target.job.timeout_s, f"steady state after the refused release {bad}")


@check(
    "deployment.crashing-worker",
    title="A release whose worker dies of its first job is refused before it gets real jobs",
    why="The API looks healthy while every job of the new release kills the worker that takes it.",
    fix="Let the new workers do a job of the deployment's own before they may take real ones.",
    needs=("api", "worker", "job", "commands.deploy", "bad_releases.crashing_worker", "releases.previous"),
    minimum=50,
    broken_by=(
        Sabotage(
            id="crashing-worker-exits-zero",
            title="A deployment whose failure is swallowed",
            says="ended with 0",
            command=(SWALLOWED,),
        ),
    ),
)
@pytest.mark.usefixtures("previous_afterwards")
def test_crashing_worker(attempts: Attempts, steady_state: SteadyState, target: Target, evidence: Evidence) -> None:
    for bad in target.bad_releases["crashing_worker"]:
        attempt = attempts.of(bad)
        attempt.record(evidence)
        attempt.demand_refused(attempts.tolerated)
        if attempts.tolerated is None:  # who replaces containers in place has users on them before any can do a job
            attempt.demand_unmet()
        steady_state.reached(target.job.timeout_s, f"steady state after the refused release {bad}")


@check(
    "deployment.failing-migration",
    title="A migration that fails, at whichever statement, leaves the schema and the old release untouched",
    why="Half a migration is a schema that no release was made for, and that nobody can go back from.",
    fix="Run all migrations of a release in one transaction, before anything of the release starts.",
    needs=(
        "api",
        "worker",
        "job",
        "database.sql",
        "commands.deploy",
        "bad_releases.failing_migration",
        "releases.previous",
    ),
    minimum=50,
    broken_by=(
        Sabotage(
            id="failed-migration-leaves-traces",
            title="A failing deployment that leaves a table behind",
            says="the schema",
            command=(
                {
                    "name": "deploy",
                    "argv": [
                        "sh",
                        "-c",
                        (
                            "{command:deploy}; s=$?; docker compose exec -T {services:database} psql -qU {database:user}"
                            " -d {database:name} -c 'CREATE TABLE IF NOT EXISTS public.half (id integer)'; exit $s"
                        ),
                    ],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("previous_afterwards")
def test_failing_migration(attempts: Attempts, steady_state: SteadyState, target: Target, evidence: Evidence) -> None:
    for bad in target.bad_releases["failing_migration"]:
        attempt = attempts.of(bad)
        attempt.record(evidence)
        attempt.demand_refused(attempts.tolerated)
        assert not attempt.schema, f"{bad} failed to migrate, and yet the schema changed: {attempt.schema}"
        steady_state.reached(target.job.timeout_s, f"steady state after the refused release {bad}")
