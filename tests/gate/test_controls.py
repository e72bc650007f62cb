"""The catalogue of controls: whole, and what checks say of it is true."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from gate import catalogue, controls
from tests.gate.bench import expected

# Controls that no check verifies yet. The list is exact: whoever adds a check of one takes it out.
WITHOUT_A_CHECK: frozenset[str] = frozenset()


def test_there_are_62_controls_each_asked_for_by_a_standard() -> None:
    found = controls.controls(())
    assert [control.id for control in found] == [f"C{number:02}" for number in range(1, 63)]
    assert all(control.title and control.family and control.references for control in found)
    assert len({control.title for control in found}) == 62
    known = {standard.name: standard for standard in controls.standards()}
    used = Counter(reference.standard for control in found for reference in control.references)
    assert used.keys() == known.keys()
    for standard in known.values():
        numbers = {r.number for control in found for r in control.references if r.standard == standard.name}
        assert standard.total is None or len(numbers) <= standard.total


def test_numbers_have_the_form_of_their_standard() -> None:
    forms = {
        "ASVS 5.0.0": r"\d{1,2}\.\d{1,2}\.\d{1,2}",
        "OWASP API 2023": r"API([1-9]|10):2023",
        "CIS Docker 1.6": r"[1-7]\.\d{1,2}",
        "NIST SP 800-190": r"4\.[1-5]\.[1-5]",
        "CWE": r"CWE-\d{1,4}",
        "Twelve-Factor": r"[IVX]+",
    }
    for control in controls.controls(()):
        for reference in control.references:
            assert re.fullmatch(forms[reference.standard], reference.number), (control.id, reference)


def test_a_control_knows_every_check_that_names_it_and_no_other() -> None:
    one = replace(expected("security.one"), standards=("C01", "CWE-250"))
    two = replace(expected("access.two"), standards=("C01", "C49"))
    neither = replace(expected("load.three"), standards=("C011", "ASVS 5.0 1.2.4"))
    found = {control.id: control.checks for control in controls.controls((one, two, neither))}
    assert (found["C01"], found["C49"], found["C02"]) == (("security.one", "access.two"), ("access.two",), ())
    assert controls.verifying((one, two, neither)) == (one, two)


def test_checks_name_controls_that_there_are() -> None:
    known = {control.id for control in controls.controls(())}
    named = {name for check in catalogue.checks() for name in check.standards if re.fullmatch(r"C\d+", name)}
    assert named <= known


def test_exactly_the_known_controls_have_no_check() -> None:
    found = {control.id for control in controls.controls(catalogue.checks()) if not control.checks}
    assert found == WITHOUT_A_CHECK, (
        f"take out of the list: {sorted(WITHOUT_A_CHECK - found)}; lost their check: {sorted(found - WITHOUT_A_CHECK)}"
    )
