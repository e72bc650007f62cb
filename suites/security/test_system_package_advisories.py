from fixtures.scanners.advisories import DEBIAN, fixed
from fixtures.scanners.dpkg import compare
from fixtures.scanners.feed import Feed
from fixtures.scanners.inside import Inside
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.finding import Finding
from gate.model import Limit, Sabotage

_CLEAN = ("readygate-planted-clean", "1.0-1")
_OLD = (
    "'' 'Package: libssl1.1' 'Status: install ok installed' 'Architecture: amd64' 'Source: openssl'"
    " 'Version: 1.1.1d-0+deb10u1' 'Description: planted' ''"
)


@check(
    "security.system-package-advisories",
    title="No package of the distribution that a newer one mends is installed in any running image",
    why="The base image was built in spring; what was found in its libraries since then is in every container.",
    fix="Build the images anew from a base image of today, and deploy them.",
    needs=("api",),
    standards=("C44", "ASVS 5.0 15.2.1", "CIS Docker 4.4", "NIST SP 800-190 4.1.1", "CWE-1395"),
    minimum=1,
    broken_by=(
        Sabotage(
            id="vulnerable-library-in-image",
            title="A library of the distribution with a known vulnerability in the images only",
            replace=(
                {
                    "file": "{source.dockerfiles}",
                    "pattern": r"(?m)^USER ",
                    "with": rf"RUN printf '%s\\n' {_OLD} >> /var/lib/dpkg/status" + "\nUSER ",
                },
            ),
            says="libssl1.1",
        ),
    ),
)
def test_system_package_advisories(
    insides: list[Inside], advisories: Feed, evidence: Evidence, limits: dict[str, Limit]
) -> None:
    foreign = sorted({i.service for i in insides if i.foreign or (i.packages and not i.debian)})
    if foreign:
        raise Unverified(
            f"packages of another distribution than Debian, about which nothing is known: {', '.join(foreign)}"
        )
    sentences: dict[str, set[str]] = {}
    doubts = []
    for release in sorted({i.debian.partition(".")[0] for i in insides if i.packages}):
        ecosystem = f"{DEBIAN}:{release}"
        mine = [i for i in insides if i.packages and i.debian.partition(".")[0] == release]
        wanted = {(p.source, p.source_version) for i in mine for p in i.packages}
        planted = advisories.known_bad(ecosystem, {name for name, _ in wanted})
        records = advisories.of(ecosystem, {*wanted, planted, _CLEAN})
        if not records[planted] or records[_CLEAN]:
            raise Unverified(f"{advisories.name} misses what was planted, or knows a package that does not exist")
        evidence.observed(len(wanted), f"source packages of {ecosystem}, each looked up")
        unmended = set()
        for inside in mine:
            for package in inside.packages:
                for record in records[package.source, package.source_version]:
                    mends = [
                        v for v in fixed(record, ecosystem, package.source) if compare(v, package.source_version) > 0
                    ]
                    named = f"{package.name} {package.version}: {record['id']}"
                    if mends:
                        sentences.setdefault(f"{named} (fixed in {mends[0]})", set()).add(inside.service)
                    else:
                        unmended.add(named)
        evidence.value(f"{ecosystem}: known, and mended by no version of it", sorted(unmended))
        doubts.append(advisories.doubt(limits, ecosystem))
    told = [f"{sentence} in {', '.join(sorted(where))}" for sentence, where in sorted(sentences.items())]
    for sentence in told:
        evidence.finding(Finding("debian/advisory", "error", sentence))
    evidence.value("advisories", advisories.name)
    assert not told, "known vulnerabilities: " + "; ".join(told)
    if any(doubts):
        raise Unverified(f"nothing was found, which says nothing: {'; '.join(filter(None, doubts))}")
