import pytest

from fixtures.attempt import Attempts
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "rollback.automatic",
    title="A bad release that users have met is left by itself, within the limit, and the old one alone serves",
    why="At three at night nobody decides to roll back; every minute of a bad release is users lost.",
    fix="Watch the new release after the switch, and take the way back without asking anybody.",
    needs=("api", "worker", "job", "api.version", "commands.deploy", "bad_releases.erroring_rarely"),
    minimum=50,
    broken_by=(
        Sabotage(
            id="bad-release-swallowed",
            title="A deployment whose failure is swallowed",
            says="ended with 0",
            command=({"name": "deploy", "argv": ["sh", "-c", "{command:deploy} || true"]},),
        ),
    ),
)
@pytest.mark.usefixtures("steady_state", "previous_afterwards")
def test_automatic(attempts: Attempts, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    for bad in target.bad_releases["erroring_rarely"]:
        attempt = attempts.of(bad)
        attempt.record(evidence)
        if not attempt.visible_s:
            raise Unverified(f"{bad} answered no user, so no way back from it was seen: {attempt.reason}")
        evidence.measure(f"{bad} answered users for", attempt.visible_s, "s", limits["rollback.automatic_s"])
        attempt.demand_refused(errors=limits["rollback.automatic_s"])
