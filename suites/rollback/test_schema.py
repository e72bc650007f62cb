import pytest

from fixtures import release
from fixtures.clients.api import Api
from fixtures.heritage import Heritage
from fixtures.identity import releases, unchanged
from fixtures.ledger import Ledger
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

WRITTEN = 3


@check(
    "rollback.schema",
    title="The old release passes its own tests on the new schema, and reads what it and the new one wrote",
    why="Code can be rolled back in seconds; a schema that has lost a column cannot.",
    fix="Change the schema in steps that the release before can live with: add first, take away one release later.",
    needs=(
        "api",
        "worker",
        "job",
        "commands.deploy",
        "commands.rollback",
        "commands.acceptance",
        "releases.candidate",
        "releases.previous",
    ),
    minimum=WRITTEN + 2,
    broken_by=(
        Sabotage(
            id="rollback-leaves-database-read-only",
            title="A rollback that leaves the database read-only, as a failed step of a migration would",
            command=(
                {
                    "name": "rollback",
                    "argv": [
                        "sh",
                        "-c",
                        (
                            "{command:rollback} && docker compose exec -T {services:database} psql -qU {database:user}"
                            " -d {database:name} -c 'ALTER DATABASE {database:name} SET default_transaction_read_only = on'"
                            " -c 'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()'"
                        ),
                    ],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_schema(
    stack: ComposeStack, api: Api, ledger: Ledger, heritage: Heritage, target: Target, evidence: Evidence
) -> None:
    previous, candidate, before = target.releases["previous"], target.releases["candidate"], releases(stack)
    first = release.acceptance(stack, previous)
    evidence.attach(f"acceptance-of-{previous}-before.txt", first.completed.stdout + first.completed.stderr)
    if not first.ok:
        raise Unverified(f"the acceptance tests of {previous} fail already before the change: {first.completed.tail}")
    release.deploy(stack, candidate).check("deploying the candidate")
    if untouched := unchanged(before, releases(stack)):
        raise Unverified(
            f"the deployment changed no image of {', '.join(untouched)}: there is no new schema to go back on"
        )
    evidence.value(f"acceptance tests of {candidate} on its own schema", _passed(stack, candidate, evidence))
    written = ledger.submit_at_once(WRITTEN)
    ledger.follow()
    release.roll_back(stack).check("rolling back")
    evidence.value(f"acceptance tests of {previous} on the schema of {candidate}", _passed(stack, previous, evidence))
    unread = {job: found for job in written if (found := api.outcome(job)) != "succeeded"}
    evidence.observed(len(written), f"jobs written by {candidate} and read by {previous}")
    assert not unread, f"written by {candidate}, and {previous} says of them: {unread}"
    changed = heritage.changed(api.job)
    evidence.observed(len(heritage.said), f"jobs of {previous} from before {candidate}, read again")
    assert not changed, f"{previous} says of its own jobs otherwise than before {candidate}: {'; '.join(changed)}"
    account = ledger.reconcile()
    evidence.value("job ledger", account.json())
    account.demand_done()


def _passed(stack: ComposeStack, version: str, evidence: Evidence) -> dict[str, object]:
    done = release.acceptance(stack, version)
    evidence.attach(f"acceptance-of-{version}.txt", done.completed.stdout + done.completed.stderr)
    evidence.observed(1, f"acceptance tests of {version}")
    assert done.ok, f"the acceptance tests of {version} fail: {done.completed.tail}"
    return dict(done.report) or {"exit status": done.completed.status}
