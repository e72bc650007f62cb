import time

import pytest

from fixtures.identity import releases, unchanged
from fixtures.stack import COMMAND_TIMEOUT_S, ComposeStack
from fixtures.under_way import phases_of, under_way
from fixtures.wait import until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

MET_S = 2  # who has run beside another for so long has had the time to see it


@check(
    "deployment.lock",
    title="A second deployment at the same time is refused at once and names the first, which goes on",
    why="Two deployments at once leave a system that neither of them knows.",
    fix="Take a lock that the kernel releases when its holder dies, and tell in the refusal who holds it.",
    needs=("api", "worker", "commands.deploy", "commands.rollback", "releases.candidate", "releases.previous"),
    minimum=1,
    broken_by=(
        Sabotage(
            id="deploy-waits-in-line",
            says="was not refused",
            title="A second deployment that waits for the first and then deploys over it",
            command=(
                {
                    "name": "deploy",
                    "argv": ["sh", "-c", "until {command:deploy}; do sleep 1; done"],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_lock(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    candidate, before = target.releases["candidate"], releases(stack)
    with under_way(stack, "deploy", release=candidate) as first:
        # Once something of it was said it has begun; images that change later tell that it really went on.
        first.await_words()
        with under_way(stack, "deploy", release=target.releases["previous"]) as second:
            until(lambda: not (first.running and second.running), COMMAND_TIMEOUT_S, "one of the two deployments ends")
            together_s = time.monotonic() - second.began
            still = first.running
            refused = second.end()
        ended = first.end()
    evidence.value("the second said", refused.tail)
    evidence.value("the first ended with", ended.status)
    evidence.value("seconds side by side", together_s)
    met = still or together_s >= MET_S
    assert not (met and refused.status == 0), "a second deployment at the same time was not refused" + (
        "" if still else ": it waited, and deployed over the first"
    )
    if not still:
        raise Unverified("the first deployment had ended before the second did, so they did not meet")
    evidence.observed(1, "second deployment while the first was under way")
    said = refused.stdout + refused.stderr
    assert candidate in said or str(first.pid) in said, f"the refusal does not name the first: {refused.tail}"
    assert ended.status == 0, f"the first deployment failed, disturbed by the second: {ended.tail}"
    assert not unchanged(before, releases(stack)), f"{candidate} does not run after the first deployment"
    evidence.value("phases of the first", list(phases_of(ended)))
    evidence.measure("second deployment refused after", refused.seconds, "s")
