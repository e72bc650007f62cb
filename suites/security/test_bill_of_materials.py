import json

from fixtures.scanners.inside import Inside
from fixtures.scanners.inventory import bill, components, demand_sight, listed, seen, strays
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

_STRAY = "/usr/local/lib/python3/dist-packages/stowaway"


@check(
    "security.bill-of-materials",
    title="The bill of materials of each running container names exactly what is installed in it",
    why="What is on no bill is asked for by nobody when the next vulnerability becomes known.",
    fix="Install packages with the package manager, so that they leave a record; take out what came another way.",
    needs=("api",),
    standards=("C45", "ASVS 5.0 15.1.2", "NIST SP 800-190 4.1.1", "CWE-1104"),
    minimum=1,
    broken_by=(
        Sabotage(
            id="package-without-record",
            title="A package that was copied in and left no record",
            replace=(
                {
                    "file": "{source.dockerfiles}",
                    "pattern": r"(?m)^USER ",
                    "with": f"RUN mkdir -p {_STRAY} && echo 'x = 1' > {_STRAY}/__init__.py\nUSER ",
                },
            ),
            says="stowaway",
        ),
    ),
)
def test_bill_of_materials(insides: list[Inside], target: Target, evidence: Evidence) -> None:
    demand_sight()
    wrong: list[str] = []
    for inside in insides:
        installed = components(inside)
        if installed:
            text = bill(inside.service, installed, inside.debian)
            evidence.attach(f"{inside.service}.cdx.json", text)
            named = listed(json.loads(text))
            evidence.observed(len(named), f"components of {inside.service}")
            differing = named ^ {(one.kind, one.name, one.version) for one in installed}
            wrong += [f"{inside.service}: {kind} {name} {version}" for kind, name, version in sorted(differing)]
        by_name = {(one.kind, one.name) for one in installed}
        wrong += [
            f"{inside.service}: {kind} {name} is in one account of it only"
            for kind, name in sorted(by_name ^ seen(inside))
        ]
        wrong += [f"{inside.service}: {path} came with no package" for path in strays(inside)]
        if target.source is None or not target.source.locks:
            stowed = sorted(d.metadata for d in inside.distributions if not d.package)
            wrong += [f"{inside.service}: {path}, though [source] names no lock" for path in stowed]
    assert not wrong, "not as the bill of materials says: " + "; ".join(wrong)
