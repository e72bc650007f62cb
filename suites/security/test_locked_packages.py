from fixtures.scanners.inside import Inside
from fixtures.scanners.locks import held_against_record, locked
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.finding import Finding
from gate.model import Sabotage
from gate.source import SourceTable

_FOLDER = "/usr/local/lib/python3/dist-packages/stowaway-6.6.dist-info"


@check(
    "security.locked-packages",
    title="Every Python package in a running container is in a lock with hashes, and is byte for byte what was installed",
    why="A package that came past the lock is whatever the index, or somebody at the build machine, gave out that day.",
    fix="Put it into the lock with its hashes, install with --require-hashes, and change nothing afterwards.",
    needs=("source.locks",),
    standards=("C46", "ASVS 5.0 15.2.4", "CIS Docker 4.11", "CWE-494"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="distribution-outside-the-lock",
            title="A package in the images that no lock names",
            replace=(
                {
                    "file": "{source.dockerfiles}",
                    "pattern": r"(?m)^USER ",
                    "with": (
                        f"RUN mkdir -p {_FOLDER} && printf 'Metadata-Version: 2.1\\\\nName: stowaway\\\\nVersion: 6.6\\\\n'"
                        f" > {_FOLDER}/METADATA\nUSER "
                    ),
                },
            ),
            says="stowaway",
        ),
        Sabotage(
            id="package-changed-after-install",
            title="A file of every package changed after its installation",
            replace=(
                {
                    "file": "{source.dockerfiles}",
                    "pattern": r"(?m)^USER ",
                    "with": (
                        "RUN find / -xdev -path '*-packages/*.dist-info/METADATA' -exec sh -c 'echo >> \"$1\"' sh {} ';'"
                        "\nUSER "
                    ),
                },
            ),
            says="was changed",
        ),
    ),
)
def test_locked_packages(stack: ComposeStack, insides: list[Inside], source: SourceTable, evidence: Evidence) -> None:
    paths = [path for glob in source.locks for path in sorted(stack.folder.glob(glob))]
    if not paths:
        raise Unverified(f"there is no lock file {', '.join(source.locks)}")
    lock = locked({str(path.relative_to(stack.folder)): path.read_text() for path in paths})
    evidence.value("locks", {"with a hash": len(lock.hashed), "without": sorted(f"{n} {v}" for n, v in lock.bare)})
    found: list[Finding] = []
    files = packages = 0
    for inside in insides:
        for distribution in (d for d in inside.distributions if not d.package):
            packages += 1
            name, version = distribution.key
            if distribution.key not in lock.hashed:
                how = "without a hash" if distribution.key in lock.bare else "not"
                sentence = f"{name} {version} is {how} in a lock"
                found.append(Finding(f"locks/{name}", "error", sentence, distribution.metadata, image=inside.service))
            held = held_against_record(inside, distribution)
            files += held.files
            found += [
                Finding(f"record/{name}", "error", change, distribution.metadata, image=inside.service)
                for change in held.changed
            ]
    evidence.observed(packages, "installed packages, each looked up in the locks")
    evidence.observed(files, "files of packages, each held against its record")
    findings = [evidence.finding(finding) for finding in source.judged(found)]
    wrong = [f"{f.message}, in {f.image}" for f in findings if not f.suppressed]
    assert not wrong, f"{len(wrong)} differences from the locks: " + "; ".join(wrong[:20])
    unused = [key for scanner in ("locks", "record") for key in source.unused(scanner, tuple(found))]
    assert not unused, f"accepted in readiness.toml and not found any more: {', '.join(unused)}"
