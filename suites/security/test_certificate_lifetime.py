import time

import pytest

from fixtures.clients.prometheus import Prometheus
from fixtures.exposure import for_others
from fixtures.network import postgres, tls
from fixtures.network.certificate import ends, serial
from fixtures.network.surroundings import Surroundings
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

DAY_S = 86_400
SLACK_S = 120  # between two looks of whoever measures it


@check(
    "security.certificate-lifetime",
    title="Every certificate that is shown lasts long enough, and what is measured is the certificate that clients are shown",
    why="An ended certificate is an outage for everybody at once, on a day that was known a year before.",
    fix="Renew the certificate and have it loaded; let the metric look at the listener that clients connect to.",
    needs=("api", "api.tls"),
    standards=("C28", "ASVS 5.0 12.2.2", "CWE-298"),
    broken_by=(
        Sabotage(
            id="certificate-ends-soon",
            title="A certificate that ends within days",
            exec=({"command": ["sh", "-ec", "{break:certificate-ending}"]},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_certificate_lifetime(
    surroundings: Surroundings, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    stack = surroundings.stack
    name = target.api.server_name or "localhost"
    shown = {}
    for container, port in for_others(stack, stack.declared):
        if container.role != "database" and (address := container.published(port)):
            shown[f"{container.service}:{port}"] = tls.certificate(address, name)
    entrance = [der for place, der in shown.items() if place == f"{target.api.service}:{target.api.port}"]
    if not entrance:
        raise Unverified("the port that clients connect to showed no certificate")
    if target.database and target.database.encrypted:
        for beside, (host, port) in surroundings.databases():
            shown[f"database at {host}:{port}"] = postgres.certificate(beside.pid, (host, port))
    now = time.time()
    days = {place: (ends(der) - now) / DAY_S for place, der in shown.items()}
    evidence.value(
        "certificates", {place: {"serial": serial(der), "days": round(days[place], 1)} for place, der in shown.items()}
    )
    evidence.observed(len(shown), "listeners and the certificates that they show")
    evidence.measure(
        "until the first certificate ends", list(days.values()), "days", limits["security.certificate_days"]
    )
    expression = target.metrics.signals.get("certificate_expiry") if target.metrics else None
    if expression is None:
        evidence.value("measured by the system", "nothing: there is no signal certificate_expiry")
        return
    samples = Prometheus(stack).query(expression)
    if not samples:
        raise AssertionError(f"the signal certificate_expiry has no value: {expression}")
    measured = time.time() + min(sample.value for sample in samples)
    evidence.value("measured by the system, in days", round((measured - now) / DAY_S, 2))
    first = min(ends(der) for der in entrance)
    assert measured <= first + SLACK_S, (
        f"what is measured ends {(measured - first) / DAY_S:.1f} days after the certificate that clients are shown: "
        "it is another one, and nobody would be told in time"
    )
    assert any(abs(measured - ends(der)) <= SLACK_S for der in shown.values()), (
        f"what is measured ends in {(measured - now) / DAY_S:.1f} days, as no certificate does that is shown"
    )
