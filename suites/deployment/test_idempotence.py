import pytest

from fixtures import release
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "deployment.idempotence",
    title="Deploying the running release again, and `up -d` on the running system, restart nothing",
    why="Who repeats a command to be sure must not cause the outage that the command was to prevent.",
    fix="Compare image ids before changing anything; keep what a deployment changes out of other services' settings.",
    needs=("api", "worker", "commands.deploy", "commands.rollback", "releases.candidate", "releases.previous"),
    minimum=6,
    broken_by=(
        Sabotage(
            id="deploy-recreates-database",
            title="A deployment that makes the database anew each time",
            command=(
                {
                    "name": "deploy",
                    "argv": [
                        "sh",
                        "-c",
                        "{command:deploy} && docker compose up -d --no-deps --force-recreate {services:database}",
                    ],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_idempotence(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    candidate = target.releases["candidate"]
    release.deploy(stack, candidate).check("deploying the candidate")
    before = _running(stack)
    again = release.deploy(stack, candidate).check("deploying the candidate again")
    evidence.observed(len(before), "containers after deploying again")
    evidence.measure("deploying what runs already", again.seconds, "s")
    restarted = _restarted(before, _running(stack))
    assert not restarted, f"deploying {candidate} again restarted what ran: {', '.join(restarted)}"
    stack.up().check("`docker compose up -d` on the running system")
    evidence.observed(len(before), "containers after `up -d`")
    restarted = _restarted(before, _running(stack))
    assert not restarted, f"`docker compose up -d` after a deployment restarted what ran: {', '.join(restarted)}"


def _running(stack: ComposeStack) -> dict[str, tuple[str, str]]:
    """Id and start by name of what runs on; a one-shot may run again."""
    return {c.name: (c.id, c.started_at) for c in stack.containers() if c.role != "one_shot"}


def _restarted(before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]) -> list[str]:
    return [name for name, ran in before.items() if after.get(name) != ran]
