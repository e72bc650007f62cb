"""[documentation] of readiness.toml: the system's documents, and what each of them has to tell."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from gate.model import Json
from gate.toml_error import Document, Problem, unknown

SUBJECTS = (
    "architecture",
    "deployment",
    "rollback",
    "monitoring",
    "on-call",
    "security",
    "configuration",
    "disaster-recovery",
    "capacity",
    "contacts",
)


@dataclass(frozen=True, slots=True)
class DocumentationTable:
    """`files`: globs of all documents; `subjects`: the documents of each subject; `topics`: `subject/topic` and where it is
    told, where its heading has other words; `versions`: a product, the role it runs in, and the command that prints its
    version; `help`: scripts that answer --help and do nothing else then; `sign_off`: who signs a handoff, as the contacts
    call them; `accepted`: texts that stand for something still to be written, with the owner's sentence."""

    files: tuple[str, ...]
    subjects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    topics: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    help: tuple[str, ...] = ()
    sign_off: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)

    def paths(self, folder: Path) -> tuple[Path, ...]:
        """The documents that are there, in the order of their names."""
        named = {path for glob in self.files for path in folder.glob(glob) if path.is_file()}
        named |= {folder / name for names in self.subjects.values() for name in names if (folder / name).is_file()}
        return tuple(sorted(named))

    def identity(self, folder: Path) -> dict[str, Json]:
        """What a handoff says of the documents: by subject, each file with the sha256 of what it held."""
        documents = {
            subject: [{"file": name, "sha256": _sha256(folder / name)} for name in names]
            for subject, names in self.subjects.items()
        }
        return {"documents": documents, "sign_off": list(self.sign_off)}


def _sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def table(data: Mapping[str, Json]) -> DocumentationTable:
    """The checked table as a value."""
    return DocumentationTable(
        files=tuple(data["files"]),
        subjects={subject: tuple(files) for subject, files in data.get("subjects", {}).items()},
        topics=dict(data.get("topics", {})),
        versions={product: tuple(command) for product, command in data.get("versions", {}).items()},
        help=tuple(data.get("help", ())),
        sign_off=tuple(data.get("sign_off", ())),
        accepted=dict(data.get("accepted", {})),
    )


def offered(table: DocumentationTable | None) -> dict[str, bool]:
    """What a check may ask for in `needs`, and whether this table has it."""
    return {
        "documentation.files": table is not None,
        "documentation.subjects": table is not None and bool(table.subjects),
        "documentation.sign_off": table is not None and bool(table.sign_off),
    }


def documentation_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with [documentation] beyond names and types of its own keys."""
    data = document.data.get("documentation")
    if not isinstance(data, dict):
        return
    for name, file in _files(data):
        if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
            yield document.problem(name, f'must be a path inside the folder of this file, is "{file}"')
    yield from _subjects(document, data)
    yield from _versions(document, data.get("versions") or {})
    for text, sentence in (data.get("accepted") or {}).items():
        if isinstance(sentence, str) and not sentence.strip():
            yield document.problem(("documentation", "accepted", text), "must be a sentence that says why")


def _subjects(document: Document, data: Mapping[str, Json]) -> Iterator[Problem]:
    subjects = data.get("subjects") or {}
    for subject, files in subjects.items():
        path = ("documentation", "subjects", subject)
        if subject not in SUBJECTS:
            yield document.problem(path, unknown("subject", subject, SUBJECTS))
        if not isinstance(files, list) or not files or not all(isinstance(file, str) for file in files):
            yield document.problem(path, f'must be a list of documents, for example ["docs/{subject}.md"]')
    for topic in data.get("topics") or {}:
        if topic.partition("/")[0] not in subjects:
            message = f'must be subject/topic of one of [documentation.subjects], is "{topic}"'
            yield document.problem(("documentation", "topics", topic), message)
    if data.get("sign_off") and "contacts" not in subjects:
        yield document.problem(("documentation", "sign_off"), "needs [documentation.subjects] contacts: who that is")


def _files(data: Mapping[str, Json]) -> Iterator[tuple[tuple[str, ...], str]]:
    for key in ("files", "help"):
        yield from ((("documentation", key), file) for file in data.get(key) or ())
    for subject, files in (data.get("subjects") or {}).items():
        if isinstance(files, list):
            yield from ((("documentation", "subjects", subject), file) for file in files if isinstance(file, str))


def _versions(document: Document, versions: Mapping[str, Json]) -> Iterator[Problem]:
    roles = document.data.get("roles") or {}
    for product, command in versions.items():
        path = ("documentation", "versions", product)
        if not isinstance(command, list) or len(command) < 2 or not all(isinstance(word, str) for word in command):
            yield document.problem(
                path, 'must be a role and a command, for example ["database", "postgres", "--version"]'
            )
        elif command[0] not in roles:
            yield document.problem(path, unknown("role", command[0], roles))
