from fixtures.scanners.inside import Inside
from fixtures.scanners.leftovers import demand_sight, leftovers
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "security.build-leftovers",
    title="No version control, compiler, test tool or package cache in a running container",
    why="Whoever breaks in finds the history of the source, and what to build the next tool with.",
    fix="Build in a stage of its own and copy the result; keep .git out with .dockerignore; remove caches in the same RUN.",
    needs=("api",),
    standards=("C42", "ASVS 5.0 13.4.1", "ASVS 5.0 15.2.3", "CIS Docker 4.3", "CWE-1188"),
    minimum=1000,
    broken_by=(
        Sabotage(
            id="version-control-in-image",
            title="The history of the source in the images",
            replace=(
                {
                    "file": "{source.dockerfiles}",
                    "pattern": r"(?m)^USER ",
                    "with": "RUN mkdir -p /srv/.git && echo 'ref: refs/heads/main' > /srv/.git/HEAD\nUSER ",
                },
            ),
            says="version control",
        ),
    ),
)
def test_build_leftovers(insides: list[Inside], evidence: Evidence) -> None:
    demand_sight()
    evidence.observed(sum(len(inside.names) for inside in insides), "files in running containers")
    found = [sentence for inside in insides for sentence in leftovers(inside)]
    assert not found, "left behind: " + "; ".join(found)
