from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from fixtures import release
from fixtures.clients.api import Api
from fixtures.identity import releases
from fixtures.stack import COMMAND_TIMEOUT_S, ComposeStack
from fixtures.steady import SteadyState
from fixtures.traffic import traffic
from fixtures.wait import until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "deployment.unhealthy-release",
    title="A release that never gets ready leaves the old one serving, and says so with a non-zero exit",
    why="A deployment that switches to a release which is not ready takes the service down by itself.",
    fix="Wait for readiness before the switch, go back by yourself when it does not come, and exit non-zero.",
    needs=("api", "worker", "commands.deploy", "live-switch", "releases.unhealthy", "releases.previous"),
    minimum=50,
    broken_by=(
        Sabotage(
            id="failed-deploy-exits-zero",
            title="A deployment whose failure is swallowed",
            command=({"name": "deploy", "argv": ["sh", "-c", "{command:deploy} || true"]},),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases")
def test_unhealthy_release(
    stack: ComposeStack,
    api: Api,
    steady_state: SteadyState,
    target: Target,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    unhealthy = target.releases["unhealthy"]
    before = releases(stack)
    tried: set[str] = set()
    version = api.version() if target.api.version else ""
    with traffic(stack, per_second=limits["rollback.traffic_per_s"].value) as stream, ThreadPoolExecutor(1) as watcher:
        over = Event()

        def watched() -> bool:
            tried.update(c.image_id for c in stack.all_containers() if c.role in before)
            return over.is_set()

        watch = watcher.submit(until, watched, COMMAND_TIMEOUT_S * 2, "the deployment ends", every=1)
        try:
            refused = release.deploy(stack, unhealthy)
        finally:
            over.set()
        watch.result()
    evidence.observed(stream.sent, "requests during the attempt")
    evidence.value(
        "failed requests", [f"{failure.path}: {failure.status} {failure.error}" for failure in stream.failed[:20]]
    )
    evidence.value("seconds by phase", refused.phases)
    evidence.attach("deployment.txt", f"{refused.completed.stdout}\n{refused.completed.stderr}")

    assert refused.completed.status != 0, f"the deployment of {unhealthy} ended with 0"
    assert not refused.completed.timed_out, f"the deployment of {unhealthy} had to be ended by the gate"
    assert refused.completed.stdout.strip() or refused.completed.stderr.strip(), "it gave no reason"
    assert not stream.failed, f"{len(stream.failed)} of {stream.sent} requests failed, first: {stream.failed[0]}"
    if not tried - frozenset.union(*before.values()):
        raise Unverified(f"no container of {unhealthy} was seen, so it was not its readiness for which it was refused")
    steady_state.reached(target.job.timeout_s, "steady state after the refused release")
    for role, images in before.items():
        left = [c.name for c in stack.containers(role) if c.image_id not in images]
        assert stack.containers(role), f"no {role} runs any more"
        assert not left, f"still runs the refused release: {', '.join(left)}"
    if target.api.version:
        assert api.version() == version, f"the API says {api.version()!r}, before it said {version!r}"
