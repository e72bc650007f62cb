from fixtures.scanners.inside import Inside
from fixtures.scanners.leftovers import demand_sight, leftovers
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.source import SourceTable
from gate.target import Target


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
            says="version-control",
        ),
    ),
)
def test_build_leftovers(insides: list[Inside], target: Target, evidence: Evidence) -> None:
    demand_sight()
    evidence.observed(sum(len(inside.names) for inside in insides), "files in running containers")
    source = target.source or SourceTable(())
    all_found = [finding for inside in insides for finding in leftovers(inside)]
    findings = [evidence.finding(finding) for finding in source.judged(all_found)]
    found = [str(finding) for finding in findings if not finding.suppressed]
    assert not found, "left behind: " + "; ".join(found)
    unused = source.unused("leftovers", tuple(all_found))
    assert not unused, f"accepted in readiness.toml and not found any more: {', '.join(unused)}"
