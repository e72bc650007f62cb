from collections.abc import Iterator, Mapping

from fixtures.documents import claims, facts
from fixtures.documents.page import Page, read
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.documentation import DocumentationTable
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "documentation.currency",
    title="What the documents say of services, ports, alerts, settings, limits and versions is so, and none is left out",
    why="The picture on the wall showed last year's system; who trusted it restarted what no longer existed.",
    fix="Write it as it is now; the reason names document and line, or what no document names.",
    needs=("documentation.files",),
    broken_by=(
        Sabotage(
            id="documents-name-an-old-service",
            title="A table with a service that the system has not any more",
            says="there is no service",
            replace=(
                {
                    "file": "{documentation.files}",
                    "pattern": r"\A",
                    "with": "| service | does |\n|---|---|\n| `last-years-cache` | keeps answers |\n\n",
                },
            ),
        ),
        Sabotage(
            id="documents-leave-the-system-out",
            title="Documents that say nothing of the system",
            says="no document names the service",
            replace=({"file": "{documentation.files}", "pattern": r"(?s)\A.*\Z", "with": "# Hello\n\nIt works.\n"},),
        ),
    ),
)
def test_currency(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    table = target.documentation
    assert table is not None
    pages = {page.path: page for page in read(target.folder, table.paths(target.folder))}
    if not pages:
        raise Unverified(f"none of {', '.join(table.files)} is there")
    found = facts.facts(stack)
    evidence.observed(len(found.services), "services")
    evidence.observed(len(found.alerts), "alerts that are loaded")
    evidence.observed(len(facts.declared(stack)), "settings of the configuration's file")
    wrong = [flaw for page in pages.values() for flaw in claims.untrue(page, found)]
    wrong += _left_out(stack, table, pages, found)
    wrong += _versions(stack, table, pages, evidence)
    assert not wrong, "; ".join(wrong)


def _left_out(
    stack: ComposeStack, table: DocumentationTable, pages: Mapping[str, Page], found: claims.Facts
) -> Iterator[str]:
    """A sentence for each thing of the system that the documents about it do not name."""

    def of(*subjects: str) -> list[Page]:
        named = [pages[name] for subject in subjects for name in table.subjects.get(subject, ()) if name in pages]
        return named or list(pages.values())

    published = [port.rpartition(":")[2] for port in stack.target.published]
    settings = list(facts.declared(stack))
    for kind, names, where in (
        ("service", found.services, of("architecture")),
        ("published port", published, of("architecture", "security", "deployment")),
        ("alert", found.alerts, of("monitoring", "on-call")),
        ("setting", settings, of("configuration")),
    ):
        lost = claims.unnamed(names, where)
        if lost:
            which = (
                f" where it belongs: {', '.join(sorted({page.path for page in where}))}"
                if len(where) < len(pages)
                else ""
            )
            yield f"no document names the {kind} {', '.join(lost)}{which}"


def _versions(
    stack: ComposeStack, table: DocumentationTable, pages: Mapping[str, Page], evidence: Evidence
) -> Iterator[str]:
    for product, command in table.versions.items():
        real = facts.version(stack, command)
        said = claims.versions(product, list(pages.values()))
        evidence.observed(len(said), f"places that name a version of {product}, which is {real}")
        if not said:
            yield f"no document says which version of {product} runs: {real}"
        for number, place in said:
            if not claims.is_version(number, real):
                yield f"{place}: {product} is {real}, not {number}"
