from collections.abc import Mapping

import pytest

from fixtures import release
from fixtures.clients.api import Api
from fixtures.identity import unlike_declared, versions
from fixtures.ledger import Ledger
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached
from gate.check import check
from gate.evidence import Evidence
from gate.model import Json, Sabotage
from gate.target import Target


@check(
    "deployment.identity",
    title="What runs after a deployment is what was deployed: image by image, and as the API says",
    why="A service left on the old image serves or works with last week's code while everybody looks at the new one.",
    fix="Deploy immutable tags, recreate every service of the release, and compare image ids afterwards.",
    needs=("api", "worker", "commands.deploy", "commands.rollback", "releases.candidate", "releases.previous"),
    minimum=4,
    broken_by=(
        Sabotage(
            id="worker-left-on-old-image",
            title="Workers pinned to the image that ran before",
            compose={"services": {"{worker}": {"image": "@image"}}},
        ),
        Sabotage(
            id="deploy-does-nothing",
            title="A deployment that exits 0 and does nothing",
            command=({"name": "deploy", "argv": ["true"]},),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_identity(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    target: Target,
    evidence: Evidence,
) -> None:
    candidate = target.releases["candidate"]
    before = {c.id: c.image_id for role in ("api", "worker") for c in stack.containers(role)}
    deployed = release.deploy(stack, candidate)
    evidence.value("deployment, seconds by phase", deployed.phases)
    assert deployed.ok, f"the deployment of {candidate} failed: {deployed.completed.tail}"

    running = stack.containers()
    evidence.value("image by container", {c.name: {"image": c.image, "id": c.image_id} for c in running})
    evidence.observed(len(running), "running containers compared with their declared images")
    drifted = unlike_declared(stack)
    assert not drifted, "running another image than declared: " + "; ".join(drifted)
    for role in ("api", "worker"):
        changed = [c for c in stack.containers(role) if c.image_id not in before.values()]
        assert changed, f"no {role} runs another image than before the deployment of {candidate}"
        labelled = versions(changed)
        evidence.value(f"{role}: version by image label", labelled)
        wrong = {name: version for name, version in labelled.items() if version not in {"", candidate}}
        assert not wrong, f"{role} containers of another release than {candidate}: {wrong}"
    if target.api.version:
        assert api.version() == candidate, f"the API says {api.version()!r}, deployed was {candidate!r}"
    ledger.submit()
    if target.job.new_body:
        _demand_new_workers(ledger, target.job.new_body, candidate)
    ledger.follow()
    account = ledger.reconcile()
    evidence.value("job ledger", account.json())
    account.demand_done()


def _demand_new_workers(ledger: Ledger, new_body: Mapping[str, Json], candidate: str) -> None:
    """Any other job could be done by the old workers, and nobody would see that the new ones are given none."""
    job = ledger.submit(template=new_body)
    try:
        ledger.follow(only=[job])
    except NotReached as error:
        raise AssertionError(
            f"a job that only {candidate} knows is not done: its workers are there and get no work"
        ) from error
