"""[source] of readiness.toml: what the system is made from, which locks its packages come from, and which findings of
scanners do not count, each with its owner's sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from gate.finding import Finding
from gate.toml_error import Document, Problem


@dataclass(frozen=True, slots=True)
class SourceTable:
    """`paths`: folders and files below the system's folder; `locks`: lock files with hashes; `accepted`: by
    "rule file" (both globs) the sentence why such a finding does not count."""

    paths: tuple[str, ...]
    locks: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)

    @property
    def python(self) -> tuple[str, ...]:
        """Globs of the Python files: for defects that fit any system."""
        return _below(self.paths, "*.py")

    @property
    def dockerfiles(self) -> tuple[str, ...]:
        """Globs of the Dockerfiles: for defects that fit any system."""
        return _below(self.paths, "Dockerfile")

    def acceptance(self, finding: Finding) -> str:
        """The sentence by which a finding does not count, empty when it counts."""
        return next((sentence for key, sentence in self.accepted.items() if _covers(key, finding)), "")

    def judged(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings, with the sentence on those that are accepted."""
        return tuple(replace(f, suppressed=f.suppressed or self.acceptance(f)) for f in findings)

    def unused(self, scanner: str, findings: tuple[Finding, ...]) -> list[str]:
        """What is accepted of this scanner and is not found any more in the source. What is in an image differs from build
        to build, so an acceptance of its files (/…) may find nothing."""
        mine = [key for key in self.accepted if key.split("/", 1)[0] == scanner and " /" not in key]
        return [key for key in mine if not any(_covers(key, finding) for finding in findings)]


def _below(paths: Iterable[str], name: str) -> tuple[str, ...]:
    """Globs of the files of this name below the paths, and of those among them."""
    return tuple(
        path if fnmatchcase(path, name) or path.endswith(f"/{name}") else f"{path}/**/{name}" for path in paths
    )


def _covers(key: str, finding: Finding) -> bool:
    rule, _, file = key.partition(" ")
    return fnmatchcase(finding.rule, rule) and fnmatchcase(finding.file, file.strip())


def source_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with [source] beyond names and types: keys of accepted findings, and sentences."""
    data = document.data.get("source")
    accepted = data.get("accepted") if isinstance(data, dict) else None
    for key, sentence in (accepted or {}).items() if isinstance(accepted, dict) else ():
        path = ("source", "accepted", key)
        rule, _, file = key.partition(" ")
        if "/" not in rule or rule.startswith("*") or not file.strip():
            yield document.problem(path, 'must be scanner/rule and a file, for example "bandit/B608 src/query.py"')
        if isinstance(sentence, str) and not sentence.strip():
            yield document.problem(path, "must be a sentence that says why it does not count")
