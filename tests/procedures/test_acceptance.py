"""A release's acceptance tests are its parents' and its own; one that cannot fail would prove nothing."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

import pytest

from procedures import acceptance, build

TESTS = """
import unittest
class Promises(unittest.TestCase):
    def test_kept(self): self.assertTrue(True)
    def test_broken(self): self.assertEqual(1, 2, "one is not two")
    def test_crashed(self): raise KeyError("nothing")
    def test_in_part(self):
        for number in (1, 2):
            with self.subTest(number=number): self.assertEqual(number, 1)
    @unittest.skip("not today")
    def test_skipped(self): pass
"""


@pytest.fixture(autouse=True)
def imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command imports tests once and ends; here every test begins as it does."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two releases, of which the second has a module that cannot be imported."""
    for name, parent, file, text in (
        ("1.0.0", "", "test_promises.py", TESTS),
        ("1.1.0", 'parent = "1.0.0"', "test_unreadable.py", "import nothing_of_that_name"),
        ("1.1.1-bad", 'parent = "1.1.0"', "", ""),
    ):
        folder = tmp_path / name / acceptance.FOLDER
        folder.mkdir(parents=True)
        (folder.parent / "release.toml").write_text(f'version = "{name}"\n{parent}\n')
        if file:
            (folder / file).write_text(text)
    monkeypatch.setattr(build, "RELEASES", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("releases")
def test_every_test_says_whether_it_passed_and_why_not() -> None:
    said = {test.id().rpartition(".")[2]: acceptance._problems(test) for test in acceptance.tests_of("1.0.0")}
    assert said == {
        "test_kept": [],
        "test_broken": ["AssertionError: 1 != 2 : one is not two"],
        "test_crashed": ["KeyError: 'nothing'"],
        "test_in_part": ["AssertionError: 2 != 1"],
        "test_skipped": ["skipped: not today"],
    }


@pytest.mark.usefixtures("releases")
@pytest.mark.parametrize(("release", "count"), [("1.0.0", 5), ("1.1.0", 6), ("1.1.1-bad", 6)])
def test_a_release_is_held_to_what_its_parents_promised(release: str, count: int) -> None:
    assert len(acceptance.tests_of(release)) == count


@pytest.mark.usefixtures("releases")
def test_a_module_that_cannot_be_imported_is_a_failure() -> None:
    (problem,) = acceptance._problems(acceptance.tests_of("1.1.0")[-1])
    assert "nothing_of_that_name" in problem


def test_a_release_without_tests_is_refused(releases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (releases / "1.0.0" / acceptance.FOLDER / "test_promises.py").unlink()
    assert acceptance.main(["1.0.0"]) == 2
    assert "release 1.0.0 has no acceptance tests" in capsys.readouterr().err


def test_an_unknown_release_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert acceptance.main(["9.9.9"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "there is no release 9.9.9; there are: 1.0.0, 1.1.0" in told.err


def test_the_tests_of_the_reference_s_releases_are_found() -> None:
    old, new = acceptance.tests_of("1.0.0"), acceptance.tests_of("1.1.0")
    assert len(old) >= 10
    assert {test.id() for test in old} < {test.id() for test in new}
    assert all(isinstance(test, unittest.TestCase) and not type(test).__module__.startswith("unittest") for test in new)
