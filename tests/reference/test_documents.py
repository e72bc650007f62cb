"""The reference system's documents as files, and defects of them: what the gate would say, without a stack."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from fixtures.compose import read_env
from fixtures.documents import claims, handoff, links, subjects
from fixtures.documents.claims import Facts
from fixtures.documents.commands import Command, commands
from fixtures.documents.page import Page, page
from fixtures.documents.surroundings import Surroundings, releasing
from fixtures.documents.verified import verified
from fixtures.metrics import rule_files
from gate import catalogue, shell
from gate.prove import named_files
from gate.sabotage import load_catalogue
from gate.target import load

ROOT = Path(__file__).resolve().parents[2]
TARGET = load(ROOT / "readiness.toml")
TABLE = TARGET.documentation
MODEL = yaml.safe_load((ROOT / "docker-compose.prod.yml").read_text(encoding="utf-8"))
# What images bring along; the rest of what documents run inside is a file below reference/.
PROGRAMS = {"amtool", "df", "du", "pgbackrest", "promtool", "psql", "python", "sh", "tar"}
INSIDE = {"gateway": (8443, 8405), "prometheus": (9090,), "alertmanager": (9093,), "postgres-exporter": (9187,)}
INSIDE |= {
    "node-exporter": (9100,),
    "blackbox-exporter": (9115,),
    "logs": (9105,),
    "backup": (9105,),
    "grafana": (3000,),
}
INSIDE |= {"database": (5432,)} | {f"api-{c}": (8000,) for c in ("blue", "green")}
INSIDE |= {f"worker-{c}": (9000,) for c in ("blue", "green")}
VERSIONS = {
    "PostgreSQL": "17.12",
    "HAProxy": "3.0.11",
    "Prometheus": "2.53.3",
    "Alertmanager": "0.28.1",
    "pgBackRest": "2.55.1",
}
DEFECTS = [
    defect for defect in load_catalogue(ROOT / "tests" / "sabotage") if defect.expects[0].startswith("documentation.")
]


@cache
def said(script: str) -> str:
    return shell.run([script, "--help"], cwd=ROOT).stdout


def settings() -> dict[str, str | None]:
    sources = [*(ROOT / "procedures").rglob("*.py"), *(ROOT / "reference/app").rglob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in [*sources, ROOT / "docker-compose.prod.yml"])
    known = dict.fromkeys(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", text))
    return {**known, **read_env((ROOT / TARGET.configuration.file).read_text(encoding="utf-8"))}


FACTS = Facts(
    services={name: INSIDE.get(name, ()) for name in MODEL["services"]},
    published=(8443,),
    alerts=[rule.name for rule in rule_files.declared(ROOT, TARGET.metrics.rules) if rule.alerting],
    settings=settings(),
    limits={name: limit.value for name, limit in TARGET.limits.items()},
    checks={check.id for check in catalogue.checks()},
)


def pages(edits: dict[str, str] | None = None) -> dict[str, Page]:
    read = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in TABLE.paths(ROOT)}
    return {path: page(text, path) for path, text in {**read, **(edits or {})}.items()}


def complete(found: dict[str, Page]) -> list[str]:
    unwritten = [text for one in found.values() for text, _ in subjects.unwritten(one) if text not in TABLE.accepted]
    words = int(TARGET.limits["documentation.section_words"].value)
    return [*(f"still to be written: {text}" for text in unwritten), *subjects.missing(TABLE, found, words)]


def linked(found: dict[str, Page]) -> list[str]:
    return [flaw for one in found.values() for flaw in links.broken(one, ROOT, found)]


def typed(found: dict[str, Page]) -> list[str]:
    around = Surroundings(
        folder=ROOT,
        services=MODEL["services"],
        helps=TABLE.help,
        release_scripts=set(releasing(dict(TARGET.commands))),
        releases=set(TARGET.releases.values()),
        said=said,
        inside=lambda _, program: program in PROGRAMS or any((ROOT / "reference").rglob(program)),
    )
    every = [command for one in found.values() for command in commands(one)]
    flaws = [(around.flaw(c), c.place) if isinstance(c, Command) else (c, "") for c in every]
    assert around.unseen == []
    return [f"{place}: {flaw}" for flaw, place in flaws if flaw]


def current(found: dict[str, Page]) -> list[str]:
    wrong = [flaw for one in found.values() for flaw in claims.untrue(one, FACTS)]
    architecture = [found[name] for name in TABLE.subjects["architecture"]]
    configuration = [found[name] for name in TABLE.subjects["configuration"]]
    keys = read_env((ROOT / TARGET.configuration.file).read_text(encoding="utf-8"))
    wrong += [f"names the service {name}" for name in claims.unnamed(FACTS.services, architecture)]
    wrong += [f"names the setting {name}" for name in claims.unnamed(keys, configuration)]
    for product, real in VERSIONS.items():
        told = claims.versions(product, list(found.values()))
        wrong += [] if told else [f"no document says which version of {product} runs"]
        wrong += [f"{product} is {real}, not {number}" for number, _ in told if not claims.is_version(number, real)]
    return wrong


def signed(found: dict[str, Page]) -> list[str]:
    contacts = [found[name] for name in TABLE.subjects["contacts"]]
    return [f"the contacts do not name {name}" for name in handoff.unknown(TABLE.sign_off, contacts)]


LOOKS = {"completeness": complete, "links": linked, "commands": typed, "currency": current, "handoff": signed}


@pytest.mark.parametrize("look", LOOKS)
def test_the_documents_are_as_they_should_be(look: str) -> None:
    assert LOOKS[look](pages()) == []


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.id)
def test_a_broken_document_is_caught_by_its_check_and_by_no_other(defect) -> None:
    edits: dict[str, str] = {}
    for edit in defect.replace:
        text = edits.get(edit["file"]) or (ROOT / edit["file"]).read_text(encoding="utf-8")
        assert text.count(edit["find"]) == 1
        edits[edit["file"]] = text.replace(edit["find"], edit["with"])
    found = pages(edits)
    red = {look: flaws for look, judge in LOOKS.items() if (flaws := judge(found))}
    expected = defect.expects[0].partition(".")[2]
    assert list(red) == [expected]
    assert any(defect.says in flaw for flaw in red[expected])


OF_CHECKS = [
    (check.id.partition(".")[2], defect)
    for check in catalogue.checks()
    if check.area == "documentation"
    for defect in check.broken_by
    if "verified" not in str(defect.replace)  # what is run needs a stack
]


@pytest.mark.parametrize(("look", "defect"), OF_CHECKS, ids=[defect.id for _, defect in OF_CHECKS])
def test_a_defect_that_fits_any_system_is_caught_by_its_check(look: str, defect) -> None:
    edits = {
        str(path.relative_to(ROOT)): re.sub(edit["pattern"], edit["with"], path.read_text(encoding="utf-8"))
        for edit in defect.replace
        for path in named_files(ROOT, edit["file"], TARGET)
    }
    flaws = LOOKS[look](pages(edits))
    said = defect.says.replace("no document names the service", "names the service")
    assert any(said in flaw for flaw in flaws), flaws


def test_there_are_at_least_ten_broken_documents() -> None:
    assert len(DEFECTS) >= 10


def test_every_first_action_of_a_runbook_that_only_looks_is_verified() -> None:
    alerts = pages()["reference/runbooks/alerts.md"]
    places = [block.place for block in verified(alerts)]
    assert (
        len(places) == len([h for h in alerts.headings if h.level == 2]) - 1
    )  # that of CertificateEnding changes something
