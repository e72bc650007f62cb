import pytest

from fixtures.alarms import begun
from fixtures.alarms.chain import Chain
from fixtures.switches import Switches
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.shell import CommandFailed


@check(
    "monitoring.quiet-deployment",
    title="Nobody is told of anything while a healthy release is deployed and rolled back",
    why="Alerts at every deployment teach everybody to look away during the one that goes wrong.",
    fix="Let the rule that fired ask for all instances of a role, not for each, or wait as long as a replacement takes.",
    needs=(
        "alerts",
        "alerts.receivers",
        "metrics",
        "api",
        "worker",
        "job",
        "commands.deploy",
        "commands.rollback",
        "releases.candidate",
        "releases.previous",
        "database.effects_sql",
        "live-switch",
    ),
    minimum=10,
    broken_by=(
        Sabotage(
            id="deployment-stops-exporters",
            title="A deployment that leaves the exporters stopped",
            says="began to fire",
            command=(
                {
                    "name": "deploy",
                    "argv": ["sh", "-c", "{command:deploy} && docker compose stop {services:exporters}"],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("built_releases", "steady_state", "previous_afterwards")
def test_quiet_deployment(switches: Switches, alarms: Chain, evidence: Evidence) -> None:
    try:
        switched = switches.made()
    except CommandFailed as error:
        raise Unverified(f"there was no healthy deployment in which it could be quiet: {error}") from error
    watchdog = alarms.table.watchdog
    loud = []
    for switch in switched.switches:
        span = switch.deployment[0], switch.rollback[1]
        seconds, began = begun.in_prometheus(alarms.prometheus, span, watchdog)
        evidence.observed(seconds, "seconds of deployments and rollbacks in which Prometheus looked")
        loud += [f"{alert} began to fire ({switch.at(at)})" for alert, at in began]
        loud += [
            f"the {n.receiver} was told that {n.alert} began to fire ({switch.at(n.at)})"
            for n in begun.at_receiver(alarms.receiver.notifications, span, watchdog)
        ]
    assert not loud, "; ".join(loud)
