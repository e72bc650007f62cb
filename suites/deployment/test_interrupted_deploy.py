import time

import pytest

from fixtures import release
from fixtures.clients.api import Api
from fixtures.failures import story
from fixtures.identity import releases, unchanged, unlike_declared
from fixtures.ledger import Ledger
from fixtures.release import Released
from fixtures.spread import spread
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.traffic import traffic
from fixtures.under_way import phases_of, under_way
from fixtures.wait import pause_until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

HIT_S = 0.2  # a phase that lasts so long is not over when the signal arrives


@check(
    "deployment.interrupted-deploy",
    title="A deployment killed in the middle serves nothing wrong, and the next run brings the release",
    why="The connection of whoever deploys breaks, and what is left must not need an expert at night.",
    fix="Leave a note of what is under way, undo or finish it in the next run, let the kernel release the lock.",
    needs=("api", "worker", "job", "commands.deploy", "commands.rollback", "releases.candidate", "releases.previous"),
    minimum=1,
    broken_by=(
        Sabotage(
            id="stale-lock",
            title="A lock that its killed holder leaves behind for ever",
            command=(
                {
                    "name": "deploy",
                    "argv": [
                        "sh",
                        "-c",
                        (
                            'd="$COMPOSE_ENV_FILES.deploying"; mkdir "$d" || { echo "$d is there: locked" >&2; exit 2; };'
                            ' {command:deploy}; s=$?; rmdir "$d"; exit $s'
                        ),
                    ],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "previous_afterwards")
def test_interrupted_deploy(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    steady_state: SteadyState,
    target: Target,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    candidate, before = target.releases["candidate"], releases(stack)
    usual = release.deploy(stack, candidate).check("deploying the candidate without a disturbance")
    release.roll_back(stack).check("rolling back")
    phases = phases_of(usual.completed)
    if not phases:
        raise Unverified(
            "commands.deploy reports no phases on its last line, so there is nothing to interrupt one by one"
        )
    evidence.value("phases, from the command's own report", list(phases))
    for phase in _chosen(usual, int(limits["deployment.interruptions"].value)):
        known_job = ledger.submit()
        with traffic(
            stack,
            per_second=limits["rollback.traffic_per_s"].value,
            jobs_at_once=int(limits["rollback.jobs_in_flight"].value),
            job_id=known_job,
        ) as stream:
            with under_way(stack, "deploy", release=candidate) as deployment:
                deployment.await_phase(phase)
                if not deployment.has_begun(phase):
                    raise Unverified(
                        f"the deployment ended before it said that {phase} began: {deployment.said[-300:]}"
                    )
                pause_until(time.monotonic() + usual.phases.get(phase, 0.0) / 2)
                in_time = deployment.running
                deployment.kill()
            evidence.event("killed", f"deployment in {phase}")
            again = release.deploy(stack, candidate)
            evidence.event("ended", f"the next deployment, with {again.completed.status}")
        ledger.adopt(stream.jobs)
        evidence.value(f"after a kill in {phase}", {"seconds": again.seconds, "phases": again.phases})
        assert again.ok, f"killed in {phase}, and the next deployment failed: {again.completed.tail}"
        assert not unchanged(before, releases(stack)), f"killed in {phase}, and then {candidate} was not brought"
        drifted = unlike_declared(stack)
        assert not drifted, f"killed in {phase}, and afterwards: {'; '.join(drifted)}"
        if stream.failed:
            evidence.attach(f"failed-{phase}.txt", story(stack, stream.failed, again))
        gap = "live-switch" not in target.capabilities()
        assert gap or not stream.failed, (
            f"killed in {phase}: {len(stream.failed)} requests failed, first: {stream.failed[0]}"
        )
        foreign = [served for served in stream.releases if served not in {candidate, target.releases["previous"]}]
        assert not foreign, f"killed in {phase}, users were served by {foreign}"
        if target.api.version:
            assert api.version() == candidate, f"killed in {phase}, the API says {api.version()!r} in the end"
        evidence.observed(int(in_time), "deployments killed")
        release.roll_back(stack).check("rolling back")
        steady_state.reached(target.job.timeout_s, f"steady state after a kill in {phase}")
    ledger.follow()
    account = ledger.reconcile()
    evidence.value("job ledger", account.json())
    account.demand_done()


def _chosen(usual: Released, count: int) -> tuple[str, ...]:
    """The phases to interrupt, the latest first: when most has been changed there is most to take up again. Where not all
    are taken, those that are over before a signal arrives are left out."""
    latest_first = tuple(reversed(phases_of(usual.completed)))
    if count >= len(latest_first):
        return latest_first
    return spread([phase for phase in latest_first if usual.phases.get(phase, 0.0) >= HIT_S] or latest_first, count)
