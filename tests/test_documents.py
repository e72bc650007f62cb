"""The gate's own documents: links lead somewhere, commands exist, and what is to be read about topics is what is looked for."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from fixtures.documents import links, subjects
from fixtures.documents.commands import Command, commands
from fixtures.documents.page import read
from fixtures.documents.surroundings import Surroundings
from gate.limits import default_limits

ROOT = Path(__file__).parents[1]
# A changelog and decisions tell of what was; CHECKS.md is generated.
HISTORY = {"CHANGELOG.md", "docs/CHECKS.md"}
PATHS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("docs/how-to/*.md"),
    *ROOT.glob("docs/explanation/*.md"),
]
PAGES = {page.path: page for page in read(ROOT, sorted(PATHS)) if page.path not in HISTORY}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_links_and_files_are_there(page) -> None:
    assert list(links.broken(page, ROOT, PAGES)) == []


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_commands_exist(page) -> None:
    model = yaml.safe_load((ROOT / "docker-compose.prod.yml").read_text(encoding="utf-8"))
    around = Surroundings(ROOT, model["services"], (), (), (), said=lambda _: "", inside=lambda *_: True)
    found = list(commands(page))
    assert [sentence for sentence in found if isinstance(sentence, str)] == []
    assert [(c.place, flaw) for c in found if isinstance(c, Command) and (flaw := around.flaw(c))] == []


def test_the_job_that_the_readme_submits_is_one_as_the_system_takes_it() -> None:
    job = tomllib.loads((ROOT / "readiness.toml").read_text(encoding="utf-8"))["job"]
    line = next(
        line for line in (ROOT / "README.md").read_text(encoding="utf-8").split("\ncurl ") if "Idempotency-Key" in line
    )
    words = shlex.split(line.partition("\n```")[0])
    assert json.loads(words[words.index("-d") + 1]).keys() == job["body"].keys()
    assert next(word for word in words if word.startswith("https://")).endswith(f":8443{job['submit_path']}")
    assert {"Content-Type", *job["headers"]} <= {word.partition(":")[0] for word in words}


def test_every_document_is_named_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    named = {f"docs/{target}" for target in re.findall(r"\]\(([\w/-]+\.md)\)", index)}
    assert {path for path in PAGES if path.startswith("docs/")} - {"docs/README.md"} <= named


def test_the_topics_that_are_told_are_those_that_are_looked_for() -> None:
    told = {row[0][0]: row[1][0] for row in PAGES["docs/how-to/documents.md"].tables[0].rows}
    assert list(told) == list(subjects.TOPICS)
    for subject, topics in subjects.TOPICS.items():
        for topic, pattern in topics.items():
            said = re.search(rf"\b{topic}\b(?: \(([^)]*)\))?", told[subject])
            assert said, f"{subject}: {topic}"
            words = [topic if topic not in {"before", "first", "people"} else "", *(said[1] or "").split(", ")]
            assert any(re.search(pattern, word, re.I) for word in words if word), f"{subject}/{topic}: {words}"
            assert all(re.search(pattern, word, re.I) for word in words[1:] if word), f"{subject}/{topic}: {words[1:]}"


def test_limits_that_documents_name_exist() -> None:
    for page in PAGES.values():
        for code, _ in page.codes:
            if re.fullmatch(r"(?:monitoring|load|security|rollback|deployment)\.[a-z0-9]+(?:_[a-z0-9]+)+", code):
                assert code in default_limits(), f"{page.path}: {code}"
