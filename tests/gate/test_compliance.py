"""What becomes of a control: nothing but a pass of every check that names it verifies it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.compliance import Compliance, Standing, compliance
from gate.model import CheckResult, Control, Decision, Outcome, Run, Waiver
from tests.gate.strategies import checks
from tests.reports.factory import control, go, incomplete, judge, no_go, part, passed, with_check


def of(run: Run) -> Compliance:
    return compliance(*judge(run))


def standings(run: Run) -> dict[str, Standing]:
    return {row.control.id: row.standing for row in of(run).rows}


def one(*results: CheckResult, names: tuple[str, ...] | None = None) -> Compliance:
    """A run with one control that these checks verify."""
    ids = tuple(result.id for result in results) if names is None else names
    asked = control("C01", "A control", "A family", {}, *ids)
    return of(replace(go(), checks=results, expected=tuple(r.id for r in results), controls=(asked,)))


def result(id_: str, outcome: Outcome, **more: object) -> CheckResult:
    return replace(passed(id_, "It holds"), outcome=outcome, reason="because", **more)  # type: ignore[arg-type]


def test_everything_passed_is_100_percent() -> None:
    found = of(go())
    assert (found.complete, found.verified, found.applicable, found.lacking) == (True, 5, 5, ())
    assert found.decision is Decision.GO


def test_each_way_not_to_be_verified() -> None:
    found = standings(no_go())
    assert found == {
        "C01": Standing.VERIFIED,
        "C20": Standing.FAILED,  # one of its two checks failed, the other could not find out
        "C21": Standing.FAILED,  # its waiver has expired
        "C30": Standing.UNVERIFIED,
        "C34": Standing.WAIVED,
        "C43": Standing.UNVERIFIED,  # its check did not run
        "C49": Standing.MISSING,
        "C39": Standing.NOT_APPLICABLE,
    }
    counted = of(no_go())
    assert (counted.verified, counted.applicable, counted.complete) == (1, 7, False)
    assert sum(counted.counts.values()) == len(counted.rows) == 8
    assert (counted.decision, of(incomplete()).decision) == (Decision.NO_GO, Decision.INCOMPLETE)
    said = {row.control.id: row.reason for row in counted.rows}
    assert said["C43"] == "security.advisories did not run"
    assert said["C49"] == "no check verifies it"
    assert said["C39"] == "rollback.effect: J. Bell: one release only"
    assert "worst recovery 94 s" in said["C20"]
    assert [row.control.id for row in counted.lacking] == ["C20", "C21", "C49", "C30", "C43", "C34"]


def test_a_check_that_this_run_left_out_has_verified_nothing() -> None:
    found = one(passed("security.one", "It holds"), names=("security.one", "deployment.two"))
    assert found.rows[0].standing is Standing.UNVERIFIED
    assert found.rows[0].checks == (("security.one", "passed"), ("deployment.two", "did not run"))


def test_a_control_of_which_a_narrowed_run_had_no_check_was_not_looked_at() -> None:
    found = of(part("security"))
    assert {row.control.id: row.standing for row in found.rows} == {
        "C01": Standing.VERIFIED,
        "C20": Standing.NOT_LOOKED_AT,
        "C21": Standing.VERIFIED,
        "C30": Standing.VERIFIED,
        "C34": Standing.NOT_LOOKED_AT,
        "C43": Standing.NOT_LOOKED_AT,
        "C49": Standing.MISSING,
        "C39": Standing.NOT_LOOKED_AT,
    }
    assert (found.verified, found.applicable, found.complete, found.decision) == (3, 8, False, Decision.INCOMPLETE)
    assert (found.looked_at, found.left_out) == (3, 4)
    assert [row.control.id for row in found.lacking] == ["C49", "C20", "C34", "C43", "C39"]


def test_a_whole_run_without_a_controls_check_has_not_verified_it() -> None:
    """Nobody asked for a part, so that the check is not there is a gap and no choice."""
    whole = replace(part("security"), narrowed=None)
    assert {row.standing for row in of(whole).rows} == {Standing.VERIFIED, Standing.UNVERIFIED, Standing.MISSING}
    assert of(whole).decision is Decision.INCOMPLETE


def test_a_control_of_which_a_narrowed_run_had_one_check_of_two_is_unverified() -> None:
    assert standings(part("deployment"))["C20"] is Standing.UNVERIFIED


def test_a_check_that_a_narrowed_run_asked_for_and_that_left_no_result_is_no_choice_either() -> None:
    crashed = replace(part("security"), expected=(*part("security").expected, "security.advisories"))
    assert standings(crashed)["C43"] is Standing.UNVERIFIED


def test_a_narrowed_run_whose_few_controls_are_verified_is_not_100_percent() -> None:
    found = of(part("security", run=go()))
    assert found.verified == found.looked_at == 3
    assert (found.complete, found.decision) == (False, Decision.INCOMPLETE)


def test_in_results_json_what_was_not_looked_at_stays_unverified_for_those_who_read_it_as_it_was() -> None:
    held = of(part("security")).document()
    assert held["counts"]["unverified"] == 4
    assert sum(held["counts"].values()) == held["total"] == 8
    told = {each["id"]: (each["standing"], each["left_out"]) for each in held["controls"]}
    assert (told["C01"], told["C20"], told["C49"]) == (
        ("verified", False),
        ("unverified", True),
        ("missing", False),
    )


def test_a_check_that_names_a_control_counts_though_the_catalogue_forgot_it() -> None:
    forgotten = replace(result("security.one", Outcome.FAILED), standards=("C01",))
    assert one(forgotten, names=()).rows[0].standing is Standing.FAILED


def test_a_pass_that_broke_its_limit_or_saw_too_little_verifies_nothing() -> None:
    assert standings(with_check(go(), "security.container-user", observations=0))["C01"] is Standing.UNVERIFIED
    slow = replace(passed("security.one", "t", ("m", 2.0, "s", 1.0, "max")))
    assert one(slow).rows[0].standing is Standing.FAILED


def test_an_advisory_check_verifies_and_fails_as_any_other() -> None:
    assert one(result("security.one", Outcome.FAILED, required=False)).rows[0].standing is Standing.FAILED


def test_not_applicable_counts_for_nothing_by_itself_and_hurts_nothing_beside_a_pass() -> None:
    absent = result("security.one", Outcome.NOT_APPLICABLE)
    alone = one(absent)
    assert (alone.rows[0].standing, alone.applicable, alone.complete) == (Standing.NOT_APPLICABLE, 0, False)
    assert one(absent, passed("security.two", "It holds")).complete


def test_a_waiver_is_no_verification() -> None:
    held = Waiver("security.one", "failed", "r", "A. Ng", "C. Ruiz", "2026-12-20")
    found = one(result("security.one", Outcome.FAILED, waiver=held), passed("security.two", "It holds"))
    assert (found.rows[0].standing, found.complete, found.decision) == (
        Standing.WAIVED,
        False,
        Decision.INCOMPLETE,
    )


def test_a_check_that_is_there_twice_counts_with_the_worse() -> None:
    twice = (passed("security.one", "It holds"), result("security.one", Outcome.FAILED))
    assert one(*twice, names=("security.one",)).rows[0].standing is Standing.FAILED


def test_shares_have_their_denominators() -> None:
    asvs, cis = of(no_go()).shares
    assert (asvs.controls, asvs.applicable, asvs.verified, asvs.requirements, asvs.standard.total) == (3, 3, 0, 3, 345)
    assert (cis.controls, cis.verified, cis.requirements, cis.standard.total) == (3, 1, 4, None)


@pytest.mark.parametrize("run", [replace(go(), controls=()), replace(go(), controls=(), standards=())])
def test_without_controls_there_is_no_100_percent(run: Run) -> None:
    assert not of(run).complete


named = st.lists(st.sampled_from([f"{area}.check" for area in ("security", "access", "monitoring")]), max_size=3)
asked = st.lists(
    st.builds(Control, st.just("C01"), st.just("t"), st.just("f"), st.just(()), named.map(tuple)),
    min_size=1,
    max_size=3,
)


@given(found=st.lists(checks, max_size=4, unique_by=lambda check: check.id), wanted=asked)
def test_nothing_but_passes_is_verified(found: list[CheckResult], wanted: list[Control]) -> None:
    run, verdict = judge(replace(go(), checks=tuple(found), controls=tuple(wanted)))
    result_of = compliance(run, verdict)
    for row in result_of.rows:
        states = dict(row.checks)
        assert states.keys() >= set(row.control.checks)
        if row.standing is Standing.VERIFIED:
            assert "passed" in states.values()
            assert set(states.values()) <= {"passed", "not applicable"}
    assert sum(result_of.counts.values()) == len(result_of.rows)
    assert result_of.complete == (
        {row.standing for row in result_of.rows} <= {Standing.VERIFIED, Standing.NOT_APPLICABLE}
        and result_of.verified > 0
    )


@given(found=st.lists(checks, max_size=4, unique_by=lambda check: check.id), spoilt=st.sampled_from(list(Outcome)))
def test_a_worse_outcome_never_improves_a_standing(found: list[CheckResult], spoilt: Outcome) -> None:
    rank = [Standing.FAILED, Standing.UNVERIFIED, Standing.WAIVED, Standing.VERIFIED]
    before = one(*found, names=("security.check",)).rows[0].standing
    if spoilt in (Outcome.FAILED, Outcome.UNVERIFIED) and before is Standing.VERIFIED:
        worse = [replace(check, outcome=spoilt) if check.id == "security.check" else check for check in found]
        assert rank.index(one(*worse, names=("security.check",)).rows[0].standing) < rank.index(before)
