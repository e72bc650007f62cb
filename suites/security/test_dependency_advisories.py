from fixtures.scanners.advisories import PYPI
from fixtures.scanners.audit import audit, by_image
from fixtures.scanners.feed import Feed
from fixtures.scanners.inside import Inside
from fixtures.scanners.packages import python_packages
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.finding import Finding
from gate.model import Limit, Sabotage

_FOLDER = "/usr/local/lib/python3/dist-packages/requests-2.19.0.dist-info"


@check(
    "security.dependency-advisories",
    title="No Python package with a known vulnerability is installed in any running image",
    why="The requirements file was audited; what runs is what somebody installed beside it.",
    fix="Install the version that the advisory names, in the lock and in the image, and deploy that.",
    needs=("source.locks",),
    standards=("C43", "ASVS 5.0 15.2.1", "CIS Docker 4.4", "NIST SP 800-190 4.1.1", "CWE-1395"),
    minimum=1,
    broken_by=(
        Sabotage(
            id="vulnerable-package-in-image",
            title="A package with a known vulnerability in the images only",
            replace=(
                {
                    "file": "{source.dockerfiles}",
                    "pattern": r"(?m)^USER ",
                    "with": (
                        f"RUN mkdir -p {_FOLDER} && printf 'Metadata-Version: 2.1\\\\nName: requests\\\\nVersion: 2.19.0\\\\n'"
                        f" > {_FOLDER}/METADATA\nUSER "
                    ),
                },
            ),
            says="requests 2.19.0",
        ),
    ),
)
def test_dependency_advisories(
    insides: list[Inside], advisories: Feed, evidence: Evidence, limits: dict[str, Limit]
) -> None:
    installed = python_packages(insides)
    packages = {pair for of in installed.values() for pair in of}
    if not packages:
        raise Unverified("no Python package was found in any running container")
    evidence.value("packages by service", {s: sorted(f"{n} {v}" for n, v in of) for s, of in installed.items()})
    found = audit(packages, advisories)
    evidence.observed(found.examined, "installed packages, each audited")
    evidence.value("advisories", advisories.name)
    evidence.value("from an earlier run on the same packages and advisories", found.kept)
    sentences = by_image(installed, found.vulnerabilities)
    for vulnerability, sentence in zip(found.vulnerabilities, sentences, strict=True):
        evidence.finding(Finding(f"pip-audit/{vulnerability.id}", "error", sentence))
    assert not sentences, "known vulnerabilities: " + "; ".join(sentences)
    if doubt := advisories.doubt(limits, PYPI):
        raise Unverified(f"nothing was found, which says nothing: {doubt}")
