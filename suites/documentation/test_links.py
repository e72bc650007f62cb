from fixtures.documents import links
from fixtures.documents.page import read
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "documentation.links",
    title="Every link, section and file that a document names is there",
    why="The one page that was needed had been moved, and the link to it had not.",
    fix="Point the link at what is there now, or bring the file back; the reason names the line.",
    needs=("documentation.files",),
    broken_by=(
        Sabotage(
            id="documents-link-to-a-moved-file",
            title="A link to a document that was moved",
            says="there is no file",
            replace=(
                {
                    "file": "{documentation.files}",
                    "pattern": r"\A",
                    "with": "See [the plan](moved-away/plan.md#first).\n\n",
                },
            ),
        ),
        Sabotage(
            id="documents-link-to-a-renamed-section",
            title="A link to a section that was renamed",
            says="no such section",
            replace=(
                {"file": "{documentation.files}", "pattern": r"\A", "with": "See [below](#renamed-long-ago).\n\n"},
            ),
        ),
    ),
)
def test_links(target: Target, evidence: Evidence) -> None:
    table = target.documentation
    assert table is not None
    pages = {page.path: page for page in read(target.folder, table.paths(target.folder))}
    if not pages:
        raise Unverified(f"none of {', '.join(table.files)} is there")
    broken = [flaw for page in pages.values() for flaw in links.broken(page, target.folder, pages)]
    outside = [link.target for page in pages.values() for link in page.links if links.external(link)]
    inside = sum(len(page.links) for page in pages.values()) - len(outside)
    named = sum(bool(links.file_named(code, page, target.folder)) for page in pages.values() for code, _ in page.codes)
    evidence.observed(len(pages), "documents read")
    evidence.observed(inside, "links followed")
    evidence.observed(named, "files named in code looked for")
    evidence.value("links that lead outside, which nobody followed", sorted(set(outside)))
    assert not broken, "; ".join(broken)
