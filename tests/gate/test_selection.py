"""A quick run looks at something of each area, and whoever names a check gets it."""

import pytest

from gate import catalogue, quick
from gate.areas import AREAS
from gate.cli import parser
from gate.errors import UsageError
from gate.selection import looked_at, selected


def asked(*words):
    return parser().parse_args(["run", *words])


def test_without_a_word_everything_is_looked_at():
    assert looked_at(asked()) == (catalogue.checks("standard"), None)


def test_a_quick_run_looks_at_something_of_each_area_and_says_that_it_is_a_part():
    chosen, narrowed = looked_at(asked("--profile", "quick"))
    assert {check.area for check in chosen} == set(AREAS)
    assert narrowed == f"{len(chosen)} of {len(catalogue.checks('quick'))} checks selected (profile quick)"


def test_each_check_of_a_quick_run_is_there():
    assert {check.id for check in catalogue.checks()} >= quick.CHECKS


def test_a_quick_run_of_one_area_is_a_part_of_the_part():
    chosen, narrowed = looked_at(asked("--profile", "quick", "--only", "load"))
    assert [check.id for check in chosen] == ["load.five-jobs"]
    assert narrowed == f"1 of {len(catalogue.checks('quick'))} checks selected (profile quick, load)"


def test_who_names_a_check_gets_it_in_a_quick_run_too():
    chosen, _ = looked_at(asked("--profile", "quick", "--check", "recovery.restore"))
    assert [check.id for check in chosen] == ["recovery.restore"]


def test_a_proof_is_of_every_check_whatever_the_profile():
    assert selected(asked("--profile", "quick"))[0] == catalogue.checks("quick")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "laod"), "unknown area 'laod', did you mean 'load'?"),
        (("--check", "load.five-job"), "unknown check 'load.five-job', did you mean 'load.five-jobs'?"),
    ],
)
def test_an_unknown_name_is_refused_with_what_was_meant(words, said):
    with pytest.raises(UsageError) as raised:
        looked_at(asked(*words))
    assert str(raised.value) == said


def test_a_pattern_stands_for_every_check_that_it_fits():
    chosen, narrowed = looked_at(asked("--check", "monitoring.alert-*", "--check", "load.five-jobs"))
    assert {check.id.rpartition("-")[0] or check.id for check in chosen} >= {"monitoring.alert-api", "load.five"}
    assert {check.area for check in chosen} == {"monitoring", "load"}
    assert narrowed is not None
    assert "monitoring.alert-*" in narrowed
    with pytest.raises(UsageError, match=r"unknown check 'monitoring\.alrt-\*'"):
        looked_at(asked("--check", "monitoring.alrt-*"))


def test_a_check_of_longer_runs_is_no_part_of_shorter_ones():
    for profile in ("quick", "standard", "release"):
        with pytest.raises(UsageError, match=rf"load\.soak is no check of profile {profile}") as refused:
            looked_at(asked("--check", "load.soak", "--profile", profile))
        assert refused.value.mend == "--profile soak"
    assert "load.soak" not in {check.id for check in catalogue.checks("standard")}
    assert catalogue.checks("soak") == catalogue.checks()
