from fixtures.alarms.chain import Chain
from fixtures.alarms.defects import NOBODY_IS_TOLD
from gate.alerts import FAULTS
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.target import Target


@check(
    "monitoring.coverage",
    title="Every fault is told by an alert; every alert was seen firing, or is listed as never proven",
    why="A rule that never fired may be one that never can: nobody knows until the night on which it was needed.",
    fix="Write a rule for each fault that is told by none, and name it in readiness.toml [alerts] faults.",
    needs=("alerts", "alerts.receivers", "metrics", "faults"),
    minimum=3,
    broken_by=(NOBODY_IS_TOLD,),
)
def test_coverage(alarms: Chain, target: Target, evidence: Evidence) -> None:
    matrix: dict[str, list[str]] = {}
    undetected: list[str] = []
    unknown: list[str] = []
    for fault in (*FAULTS, *alarms.table.own):
        if target.absence(f"monitoring.alert-{fault}") or not alarms.possible(fault):
            continue
        try:
            told = alarms.sightings(fault)
        except AssertionError as error:
            undetected.append(f"{fault}: {error}")
        except Unverified as error:
            unknown.append(f"{fault}: {error}")
        else:
            matrix[fault] = sorted({told[0].alert, *(name for sighting in told for name in sighting.also)})
            if fault in alarms.table.own:
                seconds = [sighting.seconds for sighting in told]
                evidence.measure(f"{fault}: fault until the receiver had it", seconds, "s", alarms.limit(fault))
    seen = alarms.fired()
    loaded = sorted({rule.alert for rule in alarms.prometheus.rules()}) if matrix else []
    evidence.observed(len(matrix) + len(undetected), "faults brought about")
    evidence.value("which alerts each fault was told by", matrix)
    evidence.value("alerts seen firing", sorted(seen & {*loaded}))
    evidence.value("alerts never proven", [alert for alert in loaded if alert not in seen])
    evidence.value("faults that this system cannot have", [f for f in FAULTS if not alarms.possible(f)])
    assert not undetected, f"{len(undetected)} faults are told by no alert: {'; '.join(undetected)}"
    if unknown:
        raise Unverified(f"{len(unknown)} faults could not be brought about: {'; '.join(unknown)}")
