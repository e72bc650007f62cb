from fixtures.scanners.linters import build_files
from fixtures.scanners.sources import sources
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.source import SourceTable


@check(
    "security.build-files",
    title="Dockerfiles follow the practices that keep builds repeatable and small",
    why="What one RUN line fetches without a version is another program in every build, and nobody sees which.",
    fix="Do what hadolint says of the line, or say under [source.accepted] in readiness.toml why it does not count.",
    needs=("source.paths",),
    standards=("C39", "CIS Docker 4.7", "CIS Docker 4.9", "NIST SP 800-190 4.1.2"),
    minimum=1,
    broken_by=(
        Sabotage(
            id="sudo-in-build-file",
            title="A build that calls sudo, and a pragma that hides it",
            replace=(
                {
                    "file": "{source.dockerfiles}",
                    "pattern": r"(?m)^USER ",
                    "with": "# hadolint ignore=DL3004\nRUN command -v sudo && sudo true || true\nUSER ",
                },
            ),
            says="DL3004",
        ),
    ),
)
def test_build_files(stack: ComposeStack, source: SourceTable, evidence: Evidence) -> None:
    files = sources(stack.folder, source).dockerfiles
    found = build_files(files)
    evidence.observed(len(files), "Dockerfiles, each read to its end")
    evidence.value("Dockerfiles", sorted(files))
    findings = [evidence.finding(finding) for finding in source.judged(found)]
    counting = [str(finding) for finding in findings if finding.level == "error" and not finding.suppressed]
    assert not counting, "in Dockerfiles: " + "; ".join(counting)
    unused = source.unused("hadolint", found)
    assert not unused, f"accepted in readiness.toml and not found any more: {', '.join(unused)}"
