"""A compose file that cannot be used is the user's to mend: said once, before any lane starts, with nothing left behind."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gate.errors import UsageError
from gate.target import Target, load
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
