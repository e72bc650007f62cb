import time

import pytest

from fixtures import release
from fixtures.stack import ComposeStack
from fixtures.wait import pause_until
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

ABSENT = "0.0.0-was-never-built"


@check(
    "rollback.missing-release",
    title="Going back to a release that is not there is refused by name, and changes nothing",
    why="Images are pruned; a rollback that stops half way, or says that it went well, costs the service.",
    fix="Look for every image of the release before changing anything, name what is missing, exit non-zero.",
    needs=("api", "worker", "commands.rollback_to"),
    minimum=10,
    broken_by=(
        Sabotage(
            id="missing-release-exits-zero",
            title="A rollback to an absent release that exits 0",
            says="ended with 0",
            command=({"name": "rollback_to", "argv": ["sh", "-c", "{command:rollback_to} || true"]},),
        ),
        Sabotage(
            id="missing-release-stops-workers",
            title="A rollback that stops the workers before it looks for the release",
            says="changed",
            command=(
                {
                    "name": "rollback_to",
                    "argv": ["sh", "-c", "docker compose stop --timeout 1 {services:worker}; {command:rollback_to}"],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("steady_state")
def test_missing_release(stack: ComposeStack, limits: dict[str, Limit], evidence: Evidence) -> None:
    before = release.snapshot(stack)
    refused = release.roll_back_to(stack, ABSENT)
    after = release.snapshot(stack)
    pause_until(time.monotonic() + max(refused.seconds, limits["deployment.quiet_s"].value))
    moving = release.moving_tables(after, release.snapshot(stack))
    evidence.value("it said", refused.completed.tail)
    looked_at = (before.containers, before.images, before.networks, before.volumes, before.rows)
    evidence.observed(sum(map(len, looked_at)), "containers, images, networks, volumes and tables")
    assert not refused.ok, f"the rollback to {ABSENT} ended with 0"
    said = refused.completed.stdout + refused.completed.stderr
    assert ABSENT in said, f"the refusal does not name {ABSENT}: {refused.completed.tail}"
    changed = release.differences(before, after, moving)
    assert not changed, "the refused rollback changed the system:\n" + "\n".join(changed)
