"""Who reads the audit log gets every line of it, newest last, or one sentence."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from procedures import audit

ROOT = Path(__file__).resolve().parents[2]


def printed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts/audit-log.sh", *words],
        cwd="/", env={**os.environ, "DOCJOBS_STATE_DIR": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"), [((), [1, 2, 3]), (("--last", "2"), [2, 3]), (("--last", "9"), [1, 2, 3])]
)
def test_the_lines_come_as_they_were_written(tmp_path: Path, words: tuple[str, ...], expected: list[int]) -> None:
    for number in (1, 2, 3):
        audit.append(tmp_path, {"number": number})
    done = printed(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["number"] for line in done.stdout.splitlines()] == expected


def test_where_there_is_none_a_sentence_says_so(tmp_path: Path) -> None:
    done = printed(tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"audit-log.sh: there is no audit log {tmp_path}/nowhere/audit.jsonl")
    assert len(done.stderr.splitlines()) == 1


def test_a_number_of_lines_that_is_none_is_refused(tmp_path: Path) -> None:
    done = printed(tmp_path, "--last", "0")
    assert done.returncode == 2
    assert "--last 0: not 1 or more" in done.stderr
