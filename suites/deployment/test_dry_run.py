import time

import pytest

from fixtures import release
from fixtures.stack import ComposeStack
from fixtures.wait import pause_until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "deployment.dry-run",
    title="A dry run prints the plan and changes nothing at all",
    why="A dry run that migrates or restarts is a deployment that nobody agreed to.",
    fix="Make `commands.deploy_dry_run` compute its plan without a command that writes.",
    needs=("api", "commands.deploy_dry_run", "releases.candidate"),
    minimum=10,
    broken_by=(
        Sabotage(
            id="dry-run-deploys",
            title="A dry run that does what it announces",
            command=({"name": "deploy_dry_run", "argv": ["sh", "-c", "{command:deploy}"]},),
        ),
        Sabotage(
            id="dry-run-says-nothing",
            title="A dry run that prints no plan",
            command=({"name": "deploy_dry_run", "argv": ["true"]},),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state")
def test_dry_run(stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    before = release.snapshot(stack)
    planned = release.dry_run(stack, target.releases["candidate"])
    after = release.snapshot(stack)
    # Heartbeats and schedules write by themselves: what also moves when nothing is done says nothing about the dry run.
    pause_until(time.monotonic() + max(planned.seconds, limits["deployment.quiet_s"].value))
    moving = release.moving_tables(after, release.snapshot(stack))

    looked_at = (before.containers, before.images, before.networks, before.volumes, before.rows)
    evidence.observed(sum(map(len, looked_at)), "containers, images, networks, volumes and tables")
    evidence.observed(len(before.schema.splitlines()), "lines of the schema")
    evidence.value("tables that move by themselves", sorted(moving))
    evidence.attach("plan.txt", planned.completed.stdout)
    if target.database and len(moving) == len(before.rows):
        raise Unverified("every table's rows changed with nothing done, so a change by the dry run could not be told")
    planned.check("the dry run")
    assert planned.completed.stdout.strip(), "the dry run printed no plan"
    assert target.releases["candidate"] in planned.completed.stdout, "the plan does not name the release"
    changed = release.differences(before, after, moving)
    assert not changed, "the dry run changed the system:\n" + "\n".join(changed)
    evidence.measure("dry run", planned.seconds, "s", limits["deployment.dry_run_s"])
