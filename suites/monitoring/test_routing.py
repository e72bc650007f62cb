from fixtures.alarms.chain import Chain
from fixtures.alarms.routing import STORM, Routing
from fixtures.wait import Unreachable, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "monitoring.routing",
    title="Every rule's alert reaches the receiver of its severity; a storm comes grouped; mutes and silences do as they say",
    why="A rule fires, Alertmanager has the alert, and a route, an inhibition or a forgotten silence lets nobody know.",
    fix="Send each severity to its receiver, end every path of routes there, and let one alert mute only what follows from it.",
    needs=("alerts", "alerts.receivers", "alerts.severities", "metrics", "faults"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="alerts-role-away",
            title="An Alertmanager that does not run",
            says="does not answer",
            fault=({"kind": "stopped", "role": "alerts"},),
        ),
    ),
)
def test_routing(alarms: Chain, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    assert target.alerts is not None
    alarms.demand_reachable()
    routing, mutes = Routing(alarms), target.alerts.mutes
    try:
        rules = routing.rules()
        evidence.value("receivers of each rule", {rule.alert: list(routing.receivers_of(rule)) for rule in rules})
        nobody = [
            f"{r.alert} ({r.labels.get('severity', 'no severity')})" for r in rules if not routing.receivers_of(r)
        ]
        assert not nobody, f"no receiver is declared for the severity of {', '.join(nobody)}"

        idle = routing.idle_mutes(rules)
        assert not idle, "; ".join(idle)

        # All at once, but for those that are to mute others: so an alert that mutes another unasked is found.
        plain = [rule for rule in rules if rule.alert not in mutes]
        with routing.posted(plain) as posted:
            astray = routing.astray(posted, plain) or routing.overheard(posted, plain)
        evidence.observed(len(plain), "rules whose alert was followed to its receiver")
        assert not astray, "; ".join(astray)

        for source in (rule for rule in rules if rule.alert in mutes):
            muted = [rule for rule in plain if rule.labels.get("severity") in mutes[source.alert]]
            others = [rule for rule in plain if rule not in muted]
            with routing.posted([source]) as first:
                astray = routing.astray(first, [source])
                with routing.posted(plain) as posted:
                    astray += routing.astray(posted, others)
                    loud = routing.held_back(posted, muted)
            evidence.observed(1 + len(others), f"rules followed while {source.alert} fires")
            evidence.value(f"held back while {source.alert} fires", [rule.alert for rule in muted])
            assert not astray, f"while {source.alert} fires: {'; '.join(astray)}"
            assert not loud, f"{source.alert} is to hold them back, but {'; '.join(loud)}"

        with routing.posted(plain[:1], times=STORM) as storm:
            until(
                lambda: len({n.fingerprint for n in routing.messages(storm)}) == STORM, 30, f"all {STORM} alerts arrive"
            )
            messages = len({n.message for n in routing.messages(storm)})
        evidence.measure(
            f"messages for {STORM} alerts of one rule", messages, "messages", limits["monitoring.storm_messages"]
        )

        with routing.silenced() as word, routing.posted(plain[:1], word=word) as quiet:
            loud = routing.held_back(quiet, plain[:1])
            assert not loud, f"it is silenced, but {'; '.join(loud)}"
        with routing.posted(plain[:1], word=word) as quiet:
            astray = routing.astray(quiet, plain[:1])
            assert not astray, f"its silence has ended, but {'; '.join(astray)}"
        evidence.observed(2, "a silence, and its end")
        at_times = alarms.alertmanager.silent_at_times()
    except Unreachable as error:
        raise AssertionError(f"nobody can be told of anything: {error}") from error
    if at_times:
        raise Unverified(f"who is told at other hours than now was not seen: {'; '.join(at_times)}")
