"""[documentation] of readiness.toml: what is wrong with it is said by line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fixtures.documents.subjects import TOPICS
from gate.documentation import SUBJECTS
from gate.prove import named_files
from gate.target import TargetError, load
from tests.gate.toml_files import READINESS

TABLE = """
[documentation]
files = ["docs/*.md"]
help = ["scripts/run.sh"]
sign_off = ["Operations"]

[documentation.subjects]
contacts = ["docs/contacts.md"]
rollback = ["docs/rollback.md", "docs/gone.md"]

[documentation.topics]
"rollback/data" = "docs/rollback.md#queue"

[documentation.versions]
PostgreSQL = ["database", "postgres", "--version"]

[documentation.accepted]
"corp.example" = "A sample has nobody to call."
"""


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "readiness.toml"
    path.write_text(text, encoding="utf-8")
    try:
        load(path)
    except TargetError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_the_table_is_a_value_and_its_documents_have_an_identity(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("contacts", "rollback", "other"):
        (tmp_path / f"docs/{name}.md").write_text(f"# {name}\n")
    assert problems(tmp_path, READINESS + TABLE) == []
    target = load(tmp_path / "readiness.toml")
    table = target.documentation
    assert table
    assert {"documentation.files", "documentation.subjects", "documentation.sign_off"} <= target.capabilities()
    assert [path.name for path in table.paths(tmp_path)] == ["contacts.md", "other.md", "rollback.md"]
    identity = table.identity(tmp_path)
    assert identity["sign_off"] == ["Operations"]
    digest = hashlib.sha256(b"# rollback\n").hexdigest()
    assert [file["sha256"] for file in identity["documents"]["rollback"]] == [digest, None]
    named = named_files(tmp_path, "{documentation.subjects.rollback}", target)
    assert [path.name for path in named] == ["rollback.md"]
    assert named_files(tmp_path, "{documentation.subjects.capacity}", target) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('files = ["docs/*.md"]\n', "", "this key is needed"),
        ('["docs/*.md"]', '["../docs/*.md"]', "inside the folder"),
        ('contacts = ["docs/contacts.md"]', 'contact = ["docs/contacts.md"]', 'did you mean "contacts"'),
        ('contacts = ["docs/contacts.md"]', 'contacts = "docs/contacts.md"', "must be a list of documents"),
        (
            'contacts = ["docs/contacts.md"]',
            'capacity = ["docs/contacts.md"]',
            "needs [documentation.subjects] contacts",
        ),
        ('"rollback/data"', '"backup/data"', "must be subject/topic"),
        ('["database", "postgres", "--version"]', '["datebase", "postgres"]', 'did you mean "database"'),
        ('["database", "postgres", "--version"]', '["database"]', "must be a role and a command"),
        ('"A sample has nobody to call."', '" "', "must be a sentence that says why"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TABLE
    found = problems(tmp_path, READINESS + TABLE.replace(old, new))
    assert any(said in problem for problem in found), found


def test_every_subject_has_its_topics() -> None:
    assert tuple(TOPICS) == SUBJECTS
