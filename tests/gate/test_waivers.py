"""Waivers: what the file may say, and how they meet the results."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from gate import catalogue
from gate.model import CheckResult, Decision, Outcome, Run, Waiver
from gate.verdict import decide
from gate.waivers import WaiverError, attach, load

TODAY = date(2026, 11, 23)
ENTRY = """\
[[waiver]]
check = "security.users"
outcome = "failed"
reason = "The vendor's exporter runs as root."
scope = "node-exporter"
owner = "Ana Silva"
approver = "Ben Okafor"
expires = 2026-12-24
"""


def loaded(folder: Path, text: str) -> tuple[Waiver, ...]:
    path = folder / "waivers.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, TODAY)


def said(folder: Path, text: str) -> list[str]:
    with pytest.raises(WaiverError) as error:
        loaded(folder, text)
    return [str(problem).replace(f"{folder}/", "") for problem in error.value.problems]


def result(check: str, outcome: Outcome) -> CheckResult:
    return CheckResult(check, "title", "why", "fix", required=True, outcome=outcome, reason="said", observations=1)


def waiver(check: str, outcome: str = "failed", expires: date = TODAY) -> Waiver:
    return Waiver(check, outcome, "reason", "owner", "approver", expires.isoformat(), "scope")


def test_the_file_of_this_repository_waives_nothing():
    assert load(Path(__file__).parents[2] / "waivers.toml", TODAY) == ()


def test_the_sample_in_the_file_of_this_repository_is_taken_as_it_stands(tmp_path):
    lines = (Path(__file__).parents[2] / "waivers.toml").read_text(encoding="utf-8").splitlines()
    sample = lines[lines.index("# [[waiver]]") : lines.index("#", lines.index("# [[waiver]]"))]
    (only,) = loaded(tmp_path, "\n".join(line.removeprefix("# ") for line in sample))
    assert only.check in {check.id for check in catalogue.checks()}
    assert only.expires == "2027-01-31"


def test_a_waiver_without_a_last_day_is_shown_one_that_is_taken(tmp_path):
    (problem,) = said(tmp_path, ENTRY.replace("expires = 2026-12-24\n", ""))
    sample = problem.partition("for example ")[2]
    assert loaded(tmp_path, ENTRY.replace("expires = 2026-12-24", sample))[0].expires == "2027-02-21"


def test_no_file_is_no_waiver(tmp_path):
    assert load(tmp_path / "waivers.toml", TODAY) == ()


def test_a_waiver(tmp_path):
    reason = "The vendor's exporter runs as root."
    (only,) = loaded(tmp_path, ENTRY)
    assert only == Waiver("security.users", "failed", reason, "Ana Silva", "Ben Okafor", "2026-12-24", "node-exporter")


@pytest.mark.parametrize("expires", ['"2026-12-24"', "2026-12-24", "2026-11-23", "2020-01-01", "2027-02-21"])
def test_days_that_are_taken_also_those_gone_by_so_that_the_verdict_can_say_so(tmp_path, expires):
    (only,) = loaded(tmp_path, ENTRY.replace("2026-12-24", expires))
    assert only.expires == expires.strip('"')


MISTAKES = [
    (
        'check = "security.users"',
        'check = "security.*"',
        '2: waiver/1/check: must be the id of one check, is "security.*"',
    ),
    ('check = "security.users"', 'chek = "security.users"', '2: waiver/1/chek: unknown key, did you mean "check"?'),
    (
        'outcome = "failed"',
        'outcome = "skipped"',
        '3: waiver/1/outcome: must be "failed" or "unverified", is "skipped"',
    ),
    ('reason = "The', 'reason = " "#', "4: waiver/1/reason: must not be empty"),
    ('scope = "node-exporter"', "", "1: waiver/1/scope: this key is needed"),
    ('owner = "Ana Silva"', "owner = 5", '6: waiver/1/owner: must be a string, is 5, write "5"'),
    ('owner = "Ana Silva"', 'owner = " ben okafor "', "7: waiver/1/approver: must be somebody else than the owner"),
    ("2026-12-24", "2027-02-22", "8: waiver/1/expires: is 91 days ahead, the longest is 90 (until 2027-02-21)"),
    ("2026-12-24", "9999-12-31", "8: waiver/1/expires: is 2912116 days ahead, the longest is 90 (until 2027-02-21)"),
    ("2026-12-24", '"soon"', '8: waiver/1/expires: must be a date such as 2027-02-21, is "soon"'),
    (
        "2026-12-24",
        "2026-12-24T10:00:00",
        "8: waiver/1/expires: must be a date such as 2027-02-21, is 2026-12-24 10:00:00",
    ),
    ("2026-12-24", "90", "8: waiver/1/expires: must be a date such as 2027-02-21, is 90"),
    ("[[waiver]]", "[waiver]", "1: waiver: must be a list of tables, is a table"),
    ("[[waiver]]", "[[waivers]]", '1: waivers: unknown key, did you mean "waiver"?'),
]


@pytest.mark.parametrize(
    ("old", "new", "message"), MISTAKES, ids=[message.partition(": ")[2] for *_, message in MISTAKES]
)
def test_one_mistake(tmp_path, old, new, message):
    assert f"waivers.toml:{message}" in said(tmp_path, ENTRY.replace(old, new))


def test_not_toml(tmp_path):
    (problem,) = said(tmp_path, "[[waiver]\n")
    assert problem.startswith("waivers.toml:1: is not TOML: ")


def test_the_same_waiver_twice(tmp_path):
    message = "waivers.toml:9: waiver/2: waives security.users failed once more; waiver 1 does already"
    assert said(tmp_path, ENTRY + ENTRY) == [message]
    assert len(loaded(tmp_path, ENTRY + ENTRY.replace('"failed"', '"unverified"'))) == 2


def test_a_waiver_goes_to_its_check_and_to_no_other():
    failed, passed = result("security.users", Outcome.FAILED), result("load.five-jobs", Outcome.PASSED)
    mine, unknown = waiver("security.users"), waiver("security.users-of-old")
    results, unused = attach([failed, passed], [unknown, mine], TODAY)
    assert [attached.waiver for attached in results] == [mine, None]
    assert unused == (unknown,)


def test_of_two_for_one_check_the_one_for_its_outcome_is_taken():
    failed, unverified = waiver("security.users"), waiver("security.users", "unverified")
    results, unused = attach([result("security.users", Outcome.UNVERIFIED)], [failed, unverified], TODAY)
    assert results[0].waiver == unverified
    assert unused == (failed,)


@pytest.mark.parametrize(
    ("outcome", "days", "check", "decision"),
    [
        ("failed", 0, "security.users", Decision.GO),
        ("failed", -1, "security.users", Decision.NO_GO),
        ("unverified", 0, "security.users", Decision.NO_GO),
        ("failed", 0, "security.unknown", Decision.NO_GO),
    ],
)
def test_what_the_verdict_makes_of_it(outcome, days, check, decision):
    checks = [result("security.users", Outcome.FAILED), result("load.five-jobs", Outcome.PASSED)]
    results, unused = attach(checks, [waiver(check, outcome, TODAY + timedelta(days=days))], TODAY)
    expected = tuple(each.id for each in checks)
    run = Run("r", "now", "0", "quick", {}, {}, expected, results, sealed=True, unused_waivers=unused)
    assert decide(run, TODAY).decision is decision
