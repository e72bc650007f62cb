from fixtures.scanners.feed import Feed, age_days, damaged
from fixtures.scanners.inside import Inside
from fixtures.scanners.packages import ecosystems
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "security.advisory-data",
    title="What is known about vulnerabilities is of this week, and is whole",
    why="A scanner with data of the year before last says in good faith that there is nothing.",
    fix="Fetch the advisories anew, for each ecosystem that the system has packages of: --advisories PATH or URL.",
    needs=("api",),
    standards=("C48", "ASVS 5.0 15.1.1", "NIST SP 800-190 4.1.1"),
    minimum=1,
    broken_by=(
        Sabotage(id="advisories-of-long-ago", title="Advisories of three years ago", advisories="old", says="age"),
        Sabotage(id="advisories-few", title="Ten advisories instead of all", advisories="few", says="records"),
    ),
)
def test_advisory_data(insides: list[Inside], advisories: Feed, evidence: Evidence, limits: dict[str, Limit]) -> None:
    health = advisories.health()
    evidence.value("source", advisories.name)
    evidence.value("sha256", advisories.identity or "a service: its data change from one question to the next")
    evidence.value("newest", health["newest"])
    evidence.value("files that are no records", advisories.local.bad[:20] if advisories.local else [])
    evidence.measure("age of the newest", age_days(health), "days", limits["security.advisory_age_days"])
    for ecosystem in ecosystems(insides):
        evidence.observed(1, f"ecosystem: {ecosystem}")
        if health["records"]:
            known = health["records"].get(ecosystem, 0)
            evidence.measure(f"records about {ecosystem}", known, "records", limits["security.advisory_records"])
    for ecosystem in ecosystems(insides):
        advisories.known_bad(ecosystem)
    if sentence := damaged(health, advisories.name):
        raise Unverified(sentence)
