import pytest

from fixtures import release
from fixtures.clients.api import Api
from fixtures.identity import not_restored, releases, settings, unchanged, unlike_declared, versions
from fixtures.ledger import Ledger
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "rollback.effect",
    title="After a rollback every API and worker runs the old image with the old settings again, and does jobs",
    why="A rollback of the API alone, or of the image without its settings, leaves part of the bad release at work.",
    fix="Roll back workers as well as the API, settings as well as images, and compare image ids afterwards.",
    needs=("api", "worker", "job", "commands.deploy", "commands.rollback", "releases.candidate", "releases.previous"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="rollback-does-nothing",
            title="A rollback that exits 0 and does nothing",
            command=({"name": "rollback", "argv": ["true"]},),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_effect(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    target: Target,
    evidence: Evidence,
) -> None:
    previous = target.releases["previous"]
    before, started_with = releases(stack), settings(stack)
    release.deploy(stack, target.releases["candidate"]).check("deploying the candidate")
    if untouched := unchanged(before, releases(stack)):
        raise Unverified(f"the deployment changed no image of {', '.join(untouched)}: there was nothing to roll back")
    rolled_back = release.roll_back(stack)
    evidence.value("seconds by phase", rolled_back.phases)
    assert rolled_back.ok, f"the rollback failed: {rolled_back.completed.tail}"
    drifted = unlike_declared(stack)
    assert not drifted, "running another image than declared: " + "; ".join(drifted)
    for role, images in before.items():
        running = stack.containers(role)
        evidence.observed(len(running), f"{role} containers")
        evidence.value(f"{role}: image by container", {c.name: c.image_id for c in running})
        assert running, f"no {role} runs after the rollback"
        left = [c.name for c in running if c.image_id not in images]
        assert not left, f"still on the new release's image after the rollback: {', '.join(left)}"
        wrong = {name: version for name, version in versions(running).items() if version not in {"", previous}}
        assert not wrong, f"{role} containers of another release than {previous}: {wrong}"
    changed = not_restored(started_with, settings(stack))
    assert not changed, f"on the old image, but with other settings than before: {'; '.join(changed)}"
    if target.api.version:
        assert api.version() == previous, f"the API says {api.version()!r} after a rollback to {previous!r}"
    ledger.submit()
    ledger.follow()
    account = ledger.reconcile()
    evidence.value("job ledger", account.json())
    account.demand_done()
