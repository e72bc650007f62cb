"""Completion in a real bash: words come from the command line's own parser and the catalogue."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gate import cli, commands, completion, shell
from gate.areas import AREAS


def completed(folder: Path, *words: str) -> set[str]:
    script = folder / "completion.bash"
    script.write_text(completion.bash(cli.parser()), encoding="utf-8")
    ask = '. "$1"; shift; COMP_WORDS=(readygate "$@"); COMP_CWORD=$#; _readygate; printf "%s\\n" "${COMPREPLY[@]}"'
    done = shell.run(["bash", "-c", ask, "bash", str(script), *words], cwd=folder).check("completing")
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="completion is for bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("r",), {"run", "report"}),
        (("run", "--profile", ""), {"quick", "standard", "release", "soak"}),
        (("run", "--only", ""), set(AREAS)),
        (("run", "--check", "rollback.ti"), {"rollback.time"}),
        (("explain", "rollback.ti"), {"rollback.time"}),
        (("prove", "--defect", "keys-and-no-"), set()),
        (("report", "--format", "h"), {"html", "handoff"}),
        (("run", "--target", "readi"), {"readiness.toml"}),
        (("report", "readi"), {"readiness.toml"}),
        (("run", "--ke"), {"--keep"}),
        (("run", "--profile", "--k"), {"--keep"}),
        (("completion", ""), {"bash"}),
        (("clean", "--"), {"--help"}),
    ],
)
def test_words_are_completed(tmp_path: Path, words: tuple[str, ...], expected: set[str]) -> None:
    (tmp_path / "readiness.toml").touch()
    assert completed(tmp_path, *words) == expected


def test_every_command_is_offered(tmp_path: Path) -> None:
    assert completed(tmp_path, "") == set(commands.BY_NAME)


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "bash"], pytest.fail) == 0
    assert capsys.readouterr().out == completion.bash(cli.parser())
