from fixtures.documents import subjects
from fixtures.documents.page import read
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

_TEXT = r"(?s)\A.*\Z"


@check(
    "documentation.completeness",
    title="Every subject of the handoff has its document, and each tells what it has to",
    why="Who takes the system over asks at three in the morning what nobody had written down.",
    fix="Write the section that is named; where it has another heading, name it in [documentation.topics].",
    needs=("documentation.subjects",),
    standards=(),
    minimum=30,
    broken_by=(
        Sabotage(
            id="rollback-still-to-be-written",
            title="A document about going back that only has its headings",
            says="rollback",
            replace=({"file": "{documentation.subjects.rollback}", "pattern": r"(?m)^(?!#).*$", "with": ""},),
        ),
        Sabotage(
            id="restore-not-told",
            title="A document about disasters that does not tell how to restore",
            says="disaster-recovery does not tell of restore",
            replace=(
                {
                    "file": "{documentation.subjects.disaster-recovery}",
                    "pattern": r"(?mi)^#+ .*(?:restor|recover|lost|back).*$",
                    "with": "",
                },
            ),
        ),
        Sabotage(
            id="contacts-of-nobody",
            title="Contacts that are still the template's",
            says="still to be written",
            replace=(
                {
                    "file": "{documentation.subjects.contacts}",
                    "pattern": _TEXT,
                    "with": "# Contacts\n\n## Who\n\nTODO: ask the team who is on call, and write down name and number here.\n",
                },
            ),
        ),
    ),
)
def test_completeness(target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    table = target.documentation
    assert table is not None
    pages = {page.path: page for page in read(target.folder, table.paths(target.folder))}
    words = int(limits["documentation.section_words"].value)
    lacking = [*subjects.missing(table, pages, words)]
    lacking += [f"[documentation.topics] {key} is no topic" for key in subjects.topics_misnamed(table)]
    topics = sum(map(len, subjects.TOPICS.values()))
    evidence.observed(topics, "topics looked for in the documents of their subject")
    evidence.value("documents", {subject: list(files) for subject, files in table.subjects.items()})
    found = [(text, place) for page in pages.values() for text, place in subjects.unwritten(page)]
    unwritten = [f"{place}: {text!r}" for text, place in found if text not in table.accepted]
    accepted = {text for text, _ in found} & set(table.accepted)
    evidence.value("accepted texts", {text: table.accepted[text] for text in sorted(accepted)})
    contacts = [pages[name] for name in table.subjects.get("contacts", ()) if name in pages]
    if contacts and not subjects.reachable(contacts):
        lacking.append("contacts: they name no address, number, channel or URL at which somebody can be reached")
    assert not unwritten, f"still to be written: {'; '.join(unwritten)}"
    assert not lacking, "; ".join(lacking)
    stale = sorted(set(table.accepted) - accepted)
    assert not stale, f"[documentation.accepted] names what stands nowhere any more: {', '.join(stale)}"
