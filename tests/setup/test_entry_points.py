"""Everything a user types exists, says what it does, and works before anything is set up."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("help", "setup", "gate", "test", "test-fast", "test-browser", "check", "docs", "clean")


def make(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=cwd, capture_output=True, text=True, check=False)


def test_make_alone_lists_every_target() -> None:
    done = make()
    assert done.returncode == 0
    assert re.findall(r"^  make ([a-z-]+)", done.stdout, re.MULTILINE) == list(TARGETS[:1] + TARGETS[1:])


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_is_a_command_and_no_file(target: str) -> None:
    done = make("--dry-run", "--always-make", target)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", ["gate", "test", "test-fast", "test-browser", "check", "docs", "setup"])
def test_each_job_makes_the_environment_first(target: str) -> None:
    assert "scripts/environment.sh" in make("--dry-run", "--always-make", target).stdout


def test_continuous_integration_runs_the_tests_without_a_terminal(tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".ci", tmp_path / "project/.ci")
    fake = tmp_path / "bin/make"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$CI $*"; [ -t 0 ] && exit 9; exit 7\n')
    fake.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "project/.ci/run"],
        env={"PATH": f"{fake.parent}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 7, "the status of the tests is its own"
    assert done.stdout.startswith("true --no-print-directory test")


def test_without_a_python_that_is_new_enough_the_message_names_the_package(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/environment.sh", project / "scripts")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "mkdir", "find", "date", "tail", "id", "flock"):
        (tools / name).symlink_to(shutil.which(name) or name)
    done = subprocess.run(
        [project / "scripts/environment.sh"], env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stderr.startswith("error: there is no Python 3.11 or later")
    assert "hint:  apt-get install python3" in done.stderr


def test_every_lock_is_hashed_and_names_no_index() -> None:
    for path in ROOT.glob("requirements*.lock"):
        text = path.read_text(encoding="utf-8")
        pins = re.findall(r"^[a-z0-9][\w.\[\]-]*==\S+ \\$", text, re.MULTILINE | re.IGNORECASE)
        assert pins, path
        assert len(pins) == len(re.findall(r"==\S+ \\\n    --hash=sha256:", text)), path
        assert "index-url" not in re.sub(r"^#.*$", "", text, flags=re.MULTILINE), path
        assert "://" not in re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE), path
