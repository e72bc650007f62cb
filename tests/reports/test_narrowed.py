"""A narrowed run's documents say what was looked at and what not; those of a whole run with the same gaps, that it has gaps."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from gate.model import Measurement, Outcome, Run, Waiver
from reports import handoff, headlines, html, markdown, matrix, terminal, view
from tests.reports.factory import CONTROLS, UNMET, go, incomplete, judge, no_go, part, past, with_check
from tests.reports.page import Page

# No check of the load verifies a control; those of security verify three of the eight.
NONE, SOME = part("load"), part("security")


def page(run: Run) -> str:
    return Page(html.render(*judge(run))).text


def summary(run: Run) -> str:
    return " ".join(markdown.render(*judge(run)).split())


def console(run: Run) -> str:
    shown = Console(file=io.StringIO(), width=120, color_system=None)
    shown.print(matrix.render(*judge(run)))
    assert isinstance(shown.file, io.StringIO)
    return " ".join(shown.file.getvalue().split())


def promised(run: Run) -> dict[str, headlines.Headline]:
    run, verdict = judge(run)
    found = headlines.headlines(run, view.limits(view.rows(run, verdict)), html.compliance(run, verdict))
    return {each.title: each for each in found}


DOCUMENTS = pytest.mark.parametrize("document", [page, summary, console])
Document = Callable[[Run], str]


@DOCUMENTS
def test_controls_of_which_the_run_has_no_check_have_neither_share_nor_cross(document: Document) -> None:
    said = document(NONE)
    assert "– No applicable security control was looked at in this run (of 8: 1 missing, 7 not looked at)" in said
    assert re.search(r"(?<!\d)0 %|100 % short|✕", said) is None


@DOCUMENTS
def test_of_the_others_it_is_said_how_many_were_looked_at_and_never_a_share_of_all(document: Document) -> None:
    said = document(SOME)
    assert (
        "? 3 of the 3 applicable security controls looked at verified "
        "(of 8: 1 missing, 3 verified, 4 not looked at)" in said
    )
    assert "– not looked at" in said
    assert re.search(r"\d %:|% short|✕", said) is None


@DOCUMENTS
@pytest.mark.parametrize(("run", "share"), [(NONE, "0 %: 0 of 8"), (SOME, "37 %: 3 of 8")])
def test_the_same_gaps_in_a_whole_run_are_gaps(document: Document, run: Run, share: str) -> None:
    said = document(replace(run, narrowed=None))
    assert f"? {share} applicable security controls verified" in said
    assert "not looked at in this run" not in said


@pytest.mark.parametrize(("document", "words"), [
    (page, "Applicable Not looked at Requirements ASVS 5.0.0: OWASP Application Security Verification Standard 1 3 1"),
    (summary, "Standard | 1 | 3 | 1 |"),
    (console, "ASVS 5.0.0: 1 of 3 applicable controls verified, 1 not looked at;"),
])  # fmt: skip
def test_the_share_of_a_standard_says_of_how_many_controls_nothing_is_known(document: Document, words: str) -> None:
    assert words in document(SOME)
    assert words not in document(replace(SOME, narrowed=None))


@DOCUMENTS
def test_a_control_that_failed_in_a_part_is_a_failure(document: Document) -> None:
    failed = with_check(SOME, "security.published-ports", outcome=Outcome.FAILED, reason="5432 answers")
    assert "✕ 2 of the 3 applicable security controls looked at verified" in document(failed)


def test_what_was_promised_is_not_looked_at_where_no_check_was_asked_for_it_and_else_not_measured() -> None:
    found = promised(NONE)
    left_out = {title for title, each in found.items() if (each.word, each.tone) == (view.LEFT_OUT, "mute")}
    assert left_out == {
        "Deployment from nothing", "Rollback", "Alert after a fault", "Security controls", "Recovery time (RTO)",
        "Recovery point (RPO)", "Average job of ten",
    }  # fmt: skip
    assert found["Average job of five"].word == "kept, tight"
    silent = promised(with_check(NONE, "load.five-jobs", measurements=(), outcome=Outcome.UNVERIFIED))
    assert (silent["Average job of five"].word, silent["Average job of five"].tone) == ("not measured", "warn")
    whole = promised(replace(NONE, narrowed=None))
    assert {each.word for each in whole.values()} == {"kept, tight", "not measured", "not all verified"}
    assert {each.tone for each in whole.values()} == {"warn"}


@pytest.mark.parametrize(
    ("changes", "sign", "word", "tone"),
    [
        ({}, "?", "not all looked at", "warn"),
        ({"outcome": Outcome.UNVERIFIED}, "?", "not all verified", "warn"),
        ({"outcome": Outcome.FAILED}, "✕", "broken", "no"),
    ],
)
def test_the_controls_of_a_part_as_a_promise(changes: dict[str, Outcome], sign: str, word: str, tone: str) -> None:
    found = promised(with_check(SOME, "security.published-ports", **changes))["Security controls"]
    assert (found.sign, found.word, found.tone) == (sign, word, tone)
    assert found.row is not None
    assert (found.row.measured, found.row.limit, found.row.left) == (
        f"{2 if changes else 3} of 3", "all 8", "4 not looked at",
    )  # fmt: skip


EMPTY = replace(go(), checks=(), expected=(), lanes=(), events=(), target={}, host={})


@pytest.mark.parametrize("run", [go(), incomplete(), no_go(), NONE, SOME, EMPTY])
def test_no_heading_counts_to_nothing(run: Run) -> None:
    run, verdict = judge(run)
    for document in (html.render(run, verdict), markdown.render(run, verdict), handoff.render(run, verdict)):
        assert re.search(r"<h\d[^>]*>[^<]*\(0\)|^#.*\(0\)", document, re.MULTILINE) is None


def ended(run: Run) -> str:
    shown = Console(file=io.StringIO(), width=500, color_system=None)
    shown.print(terminal.render(*judge(run)))
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()


@pytest.mark.parametrize("document", [page, summary, ended])
def test_the_sentence_beside_the_verdict_says_to_what_it_was_narrowed(document: Document) -> None:
    assert "Not enough is known: the run was narrowed: 3 of 13 checks selected (security)." in document(SOME)
    failed = with_check(SOME, "security.published-ports", outcome=Outcome.FAILED, reason="5432 answers")
    assert "Besides, the run was narrowed: 3 of 13 checks selected (security)." in document(failed)


def test_a_part_says_what_was_left_out_and_never_that_nothing_else_is_unverified() -> None:
    said = page(SOME)
    assert "Left out (10) 3 of 13 checks selected (security). Nobody looked at what the others look at: " in said
    assert "deployment 5, rollback 2, configuration 1, recovery 1, load 1." in said
    assert "Not verified" not in said
    assert "Nothing else" not in said
    advised = with_check(SOME, "security.published-ports", outcome=Outcome.UNVERIFIED, reason="no", required=False)
    assert "Not verified besides (1)" in page(advised)
    assert "Left out (10)" in page(advised)
    assert "Left out 3 of 13 checks" in page(replace(SOME, left_out=()))  # results before 1.4


def test_a_whole_run_says_that_nothing_else_is_unverified_and_counts_what_is() -> None:
    assert "Not verified besides Nothing else. " in page(with_check(go(), "load.five-jobs", outcome=Outcome.UNVERIFIED))
    assert "Not verified Nothing: every check found out what it asks." in page(go())
    assert "Left out" not in page(go()) + page(incomplete())


def test_the_tab_of_a_part_is_told_from_that_of_a_whole_run() -> None:
    assert "<title>INCOMPLETE of a part: Document jobs 1.1.0</title>" in html.render(*judge(SOME))
    assert "<title>INCOMPLETE: Document jobs 1.1.0</title>" in html.render(*judge(incomplete()))


@pytest.mark.parametrize("document", [page, summary, lambda run: " ".join(handoff.render(*judge(run)).split())])
def test_a_criterion_that_the_run_was_not_asked_about_is_not_looked_at_and_else_not_covered(document: Document) -> None:
    row = re.compile(r"Performance \W*not looked at in this run \W*–(?! \d)")
    assert row.search(document(SOME))
    whole = document(replace(SOME, narrowed=None, left_out=()))
    assert not row.search(whole)
    assert "not covered" in whole
    absent = document(with_check(NONE, "load.five-jobs", outcome=Outcome.NOT_APPLICABLE, reason="J. Bell: no load"))
    assert not row.search(absent)
    assert re.search(r"Performance \W*not covered", absent)


def test_that_there_is_no_earlier_run_is_said_of_those_narrowed_in_the_same_way() -> None:
    assert "on the same kind of machine, narrowed in the same way: nothing can be said" in page(SOME)
    assert "on the same kind of machine: nothing can be said" in page(go())
    assert "on the same kind of machine, narrowed in the same way. Not" in page(replace(SOME, past=past()))


def test_a_waiver_whose_check_was_left_out_is_not_called_unused() -> None:
    unused = (Waiver("load.five-jobs", "failed", "old", "A. Ng", "C. Ruiz", "2026-12-20"),)
    assert "2026-12-20, not looked at in this run" in handoff.render(*judge(replace(SOME, unused_waivers=unused)))
    assert "2026-12-20, unused" in handoff.render(*judge(replace(go(), unused_waivers=unused)))
    assert "2026-12-20, unused" in handoff.render(*judge(replace(NONE, unused_waivers=unused)))


def test_the_worst_of_a_part_is_said_to_be_that() -> None:
    restored = replace(
        SOME.checks[0],
        id="recovery.restore",
        measurements=(Measurement("m", 9.0, "s", 10.0, limit_name="recovery.rto_s"),),
    )
    recovered = replace(SOME, checks=(*SOME.checks, restored), left_out=("recovery.whole-loss",))
    assert promised(recovered)["Recovery time (RTO)"].note == "in this part"
    twice = replace(recovered, checks=(*recovered.checks, replace(restored, id="recovery.again")))
    assert promised(twice)["Recovery time (RTO)"].note == "worst of 2 in this part"
    assert promised(replace(twice, left_out=()))["Recovery time (RTO)"].note == "worst of 2"


def test_a_whole_run_whose_controls_are_not_all_verified_is_not_green_whatever_passed() -> None:
    gaps = replace(go(), controls=(*CONTROLS, *UNMET))
    assert (promised(gaps)["Security controls"].word, promised(gaps)["Security controls"].tone) == (
        "not all verified",
        "warn",
    )
