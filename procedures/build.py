"""Builds the images of a release: api, worker and migrate. The engine's cache decides what is new, so this is never stale."""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from procedures import env_file, environment, shell
from procedures.commands import Argv
from procedures.refusal import Refused
from procedures.release import checked
from procedures.shell import CommandFailed, Completed
from procedures.system import Run

RELEASES = Path("reference", "releases")
SOURCES = (Path("reference", "app"), RELEASES)
BUILD_FILE = "reference/build.compose.yml"
SERVICES = ("api", "worker", "migrate")
BUILD_TIMEOUT_S = 1800.0
_GIVEN = ("BASE_IMAGE", "DOCJOBS_REGISTRY")  # in the operator's environment they win, as they do in compose
_UNKNOWN = ("unknown", "1970-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Source:
    """A release as its folder describes it; `parent` is the release it is laid over, itself where there is none."""

    name: str
    parent: str


def source(name: str) -> Source:
    """The release of that name. Refused, naming those that exist, when there is none."""
    path = RELEASES / checked(name) / "release.toml"
    if not path.is_file():
        known = ", ".join(sorted(each.parent.name for each in RELEASES.glob("*/release.toml"))) or "none"
        raise Refused(f"there is no release {name}; there are: {known}", f"ls {RELEASES}")
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path} is no TOML: {error}", f"correct {path}") from None
    if described.get("version") != name:
        raise Refused(f"{path} says it is version {described.get('version')!r}", f"write version = {name!r} into it")
    parent = str(described.get("parent", name))
    if not (RELEASES / parent / "release.toml").is_file():
        raise Refused(f"{path} names the parent {parent}, which does not exist", f"correct {path}")
    return Source(name, parent)


def last_commit(release: Source) -> Argv:
    """The commit that last changed what the release is made of, and when."""
    return ("git", "log", "-1", "--format=%H %cI", "--", *_paths(release))


def uncommitted(release: Source) -> Argv:
    """What of it is not committed."""
    return ("git", "status", "--porcelain", "--", *_paths(release))


def build() -> Argv:
    """The build itself; what is built stands in its environment."""
    return ("docker", "compose", "-p", "docjobs-build", "-f", BUILD_FILE, "--progress", "plain", "build", *SERVICES)


def variables(release: Source, revision: str, created: str, values: Mapping[str, str]) -> dict[str, str]:
    """The variables of the build file, from the release, its commit and the environment file's values."""
    given = {"RELEASE": release.name, "PARENT": release.parent, "REVISION": revision, "CREATED": created}
    given |= {key: values[key] for key in _GIVEN if key in values}
    bundle = values.get("DOCJOBS_CA_BUNDLE") or env_file.ca_bundle()
    return given | ({"CA_BUNDLE": bundle} if bundle else {})


def commit(release: Source, run: Run) -> tuple[str, str]:
    """The revision and its time; both say so when git knows nothing of these files."""
    answer: Completed = run(last_commit(release), timeout_s=30)
    revision, _, created = answer.stdout.strip().partition(" ")
    if not answer.ok or not created:
        return _UNKNOWN
    return (f"{revision}-modified" if run(uncommitted(release), timeout_s=30).stdout.strip() else revision), created


def main(arguments: Sequence[str], run: Run = shell.run) -> int:
    """Build one release; exit status 0 built, 1 the build failed, 2 there is no such release."""
    parser = argparse.ArgumentParser(prog="scripts/build-release.sh", description=__doc__)
    parser.add_argument("release", metavar="R", help=f"a folder of {RELEASES}")
    try:
        release = source(parser.parse_args(arguments).release)
        values = environment.read(environment.locate()) | {key: os.environ[key] for key in _GIVEN if key in os.environ}
        given = variables(release, *commit(release, run), values)
        built = run(build(), env=given, timeout_s=BUILD_TIMEOUT_S)
        built.check(
            f"release {release.name} was not built",
            f"see the lines above, then: scripts/build-release.sh {release.name}",
        )
    except Refused as error:
        sys.stderr.write(f"build-release.sh: {error}\n")
        return 2
    except CommandFailed as error:
        sys.stderr.write(f"build-release.sh: {error}\n")
        return 1
    names = " ".join(f"{given.get('DOCJOBS_REGISTRY', '')}docjobs-{each}:{release.name}" for each in SERVICES)
    sys.stdout.write(f"{names}\nrevision {given['REVISION']}, {built.seconds:.1f} s\n")
    return 0


def _paths(release: Source) -> tuple[str, ...]:
    folders = dict.fromkeys((SOURCES[0], RELEASES / release.parent, RELEASES / release.name))
    return ("reference/build.compose.yml", *map(str, folders))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
