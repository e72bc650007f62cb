"""Releases are overlays: each must still fit the application it is laid over."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RELEASES = ROOT / "reference/releases"
APP = ROOT / "reference/app"
NAMES = sorted(path.parent.name for path in RELEASES.glob("*/release.toml"))
FILES = sorted(path.relative_to(RELEASES) for path in RELEASES.rglob("*.py"))


def described(release: str) -> dict[str, str]:
    return tomllib.loads((RELEASES / release / "release.toml").read_text(encoding="utf-8"))


def public(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return {name for name in found if not name.startswith("_")}


def test_the_two_good_and_the_five_bad_are_there() -> None:
    assert [name.partition("-")[0] for name in NAMES] == ["1.0.0", "1.1.0", "1.1.1", "1.1.2", "1.1.3", "1.1.4", "1.1.5"]


@pytest.mark.parametrize("release", NAMES)
def test_a_release_names_itself_its_parent_and_what_must_become_of_it(release: str) -> None:
    about = described(release)
    assert about["version"] == release
    assert about["title"]
    assert about["expected"]
    assert (RELEASES / about.get("parent", release)).is_dir()


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_laid_over_another_keeps_every_name_that_others_use(file: Path) -> None:
    release = file.parts[0]
    inside = Path(*file.parts[2:])
    parent = described(release).get("parent", "1.0.0")
    below = [RELEASES / parent / "overlay" / inside, APP / inside]
    base = next((path for path in below if path.is_file()), None)
    if base is not None:
        assert public(base) - {"main"} <= public(RELEASES / file)


@pytest.mark.parametrize("release", [name for name in NAMES if "-" in name])
def test_a_bad_release_is_bad_in_one_file(release: str) -> None:
    assert len([path for path in (RELEASES / release / "overlay").rglob("*") if path.is_file()]) == 1
