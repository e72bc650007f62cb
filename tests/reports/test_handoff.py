"""The handoff says all that a run knows, nothing in it is active, and nothing may be signed while it is not GO."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from fixtures.documents.handoff import made
from gate import results
from gate.model import Json, Run
from gate.shell import CommandFailed
from reports import handoff
from tests.reports import hostile as texts
from tests.reports.factory import go, hostile, incomplete, judge, many, no_go

DOCUMENTED: dict[str, Json] = {
    "documents": {
        "contacts": [{"file": "docs/contacts.md", "sha256": "ab" * 32}],
        "capacity": [{"file": "c.md", "sha256": None}],
    },
    "sign_off": ["Operations", "Security"],
}


def documented(run: Run) -> Run:
    return replace(run, target={**run.target, **DOCUMENTED})


@pytest.mark.slow
@pytest.mark.parametrize("run", [go(), no_go(), incomplete()], ids=["go", "no-go", "incomplete"])
def test_all_that_a_run_knows_is_in_it(tmp_path, run: Run) -> None:
    state, verdict = judge(documented(run))
    (tmp_path / "run").mkdir()
    (tmp_path / "made").mkdir()
    results.write(state, verdict, tmp_path / "run" / "results.json")
    found = made(tmp_path / "run", tmp_path / "made")
    assert found.lacking == ()
    assert {"Operations", "ab" * 32, "c.md", *state.expected} <= set(found.named)
    assert f"**{verdict.decision.value}** in run {state.id}" in found.text
    assert ("It may be signed." in found.text) == (verdict.decision.value == "GO")


def test_whatever_did_not_pass_is_an_open_risk_with_its_reason() -> None:
    state, verdict = judge(no_go())
    risks = handoff.render(state, verdict).split("## Open risks")[1].split("## ")[0]
    for check in state.checks:
        assert (f"| {check.id} |" in risks) == (check.outcome.value != "passed" or check.waiver is not None), check.id


def test_the_digests_of_the_images_are_whole_because_they_are_what_is_deployed() -> None:
    state, verdict = judge(go())
    assert f"| Image of api-blue | sha256:{'5e' * 32} |" in handoff.render(state, verdict)


def test_what_is_left_out_of_it_is_missed(tmp_path) -> None:
    (tmp_path / "results.json").write_text("{")
    (tmp_path / "made").mkdir()
    with pytest.raises(CommandFailed, match="making the handoff"):
        made(tmp_path, tmp_path / "made")


@pytest.mark.parametrize("text", texts.ALL.values(), ids=texts.ALL)
def test_hostile_text_is_inert(text: str) -> None:
    said = handoff.render(*judge(hostile(text)))
    assert not re.search(r"<|>|://|www\.|@\w|#\d|(?<!\\)[\[\]`]", said)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", said)


def test_every_row_of_a_table_has_its_cells() -> None:
    for block in handoff.render(*judge(documented(many(100)))).split("\n\n"):
        if block.startswith("|"):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_a_run_without_documents_says_so() -> None:
    said = handoff.render(*judge(go()))
    assert "## Documents\n\nNone." in said
    assert "## Sign-off\n\nNone." in said
