from pathlib import Path

from fixtures.documents import handoff
from fixtures.documents.page import read
from gate.check import check
from gate.evidence import Evidence
from gate.lane import LaneContext
from gate.model import Sabotage
from gate.target import Target


@check(
    "documentation.handoff",
    title="The handoff is made from this run: criteria, evidence, open risks, waivers, and who signs",
    why="A handoff that was written by hand said what had been true of the release before.",
    fix="Name in the contacts whoever signs ([documentation] sign_off), and keep every document in its place.",
    needs=("documentation.sign_off",),
    minimum=20,
    broken_by=(
        Sabotage(
            id="nobody-to-sign",
            title="Contacts that do not name who signs",
            says="the contacts do not name",
            replace=(
                {
                    "file": "{documentation.subjects.contacts}",
                    "pattern": r"(?s)\A.*\Z",
                    "with": "# Contacts\n\n## Who\n\nWhoever is there answers the red telephone, as everybody knows.\n",
                },
            ),
        ),
    ),
)
def test_handoff(target: Target, lane: LaneContext, evidence: Evidence, tmp_path: Path) -> None:
    table = target.documentation
    assert table is not None
    pages = {page.path: page for page in read(target.folder, table.paths(target.folder))}
    made = handoff.made(Path(lane.run_folder), tmp_path)
    evidence.attach("handoff.md", made.text)
    evidence.observed(
        len(made.page.tables) + len(made.named), "parts of the handoff and checks, criteria and documents in it"
    )
    contacts = [pages[name] for name in table.subjects.get("contacts", ()) if name in pages]
    nobody = handoff.unknown(table.sign_off, contacts)
    lost = [f"there is no document {name}" for names in table.subjects.values() for name in names if name not in pages]
    assert not made.lacking, f"the handoff lacks {', '.join(made.lacking)}"
    assert not nobody, f"the contacts do not name {', '.join(nobody)}"
    assert not lost, "; ".join(lost)
