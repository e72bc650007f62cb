"""A compose file that cannot be used is the user's to mend: said once, before any lane starts, with nothing left behind."""

from __future__ import annotations

import itertools
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gate import cli
from gate.errors import UsageError
from gate.status import ExitStatus
from gate.target import Target, load
from gate.text import visible
from readygate import machine

pytestmark = pytest.mark.docker
MINIMAL = Path(__file__).parents[2] / "examples/minimal"


@pytest.fixture
def target(tmp_path: Path) -> Target:
    shutil.copytree(MINIMAL, tmp_path / "system")
    found = load(tmp_path / "system/readiness.toml", "quick")
    return replace(found, stack=replace(found.stack, prepare=(), build=False))


def test_the_file_as_it_is(target):
    machine.tools().prepare(target, None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("services:\n", "services:\n  : [broken\n", "yaml: "),
        ("image:", "imag:", "additional properties 'imag' not allowed"),
        (
            "services:\n",
            "services:\n  stranger:\n    image: x\n",
            'the service "stranger" of the compose file has no role',
        ),
    ],
)
def test_what_is_wrong_with_it_and_how_to_see_it(target, old, new, said):
    file = target.folder / "compose.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError) as refused:
        machine.tools().prepare(target, None)
    assert said in str(refused.value)
    assert refused.value.mend.endswith(f"-f {file} config --quiet") or "mend: " in str(refused.value)
    assert {path.name for path in target.folder.iterdir()} == {path.name for path in MINIMAL.iterdir()}


def test_a_file_that_grows_without_end_when_it_is_read_is_given_up(target, monkeypatch):
    monkeypatch.setattr("fixtures.stack.CONFIG_TIMEOUT_S", 3)
    names = "abcdefghij"
    bomb = ["x-a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    bomb += [f"x-{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in itertools.pairwise(names)]
    file = target.folder / "compose.yaml"
    file.write_text("\n".join(bomb) + "\n" + file.read_text())
    with pytest.raises(UsageError) as refused:
        machine.tools().prepare(target, None)
    assert "ended by the gate: no end within 3 s" in str(refused.value) or "excessive aliasing" in str(refused.value)


def test_what_the_file_makes_compose_say_is_only_shown(target):
    file = target.folder / "compose.yaml"
    file.write_text(
        file.read_text().replace("services:\n", 'services:\n  "\\e[2J::error::owned::\\u202e":\n    image: x\n', 1)
    )
    told: list[str] = []
    status = cli.guarded(lambda: machine.tools().prepare(target, None), told.append)
    assert status == ExitStatus.USAGE
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", visible(told[0]))
