"""What a user or a machine can get wrong on the way to a stack: one clear error each, no traceback, nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.status import ExitStatus
from tests.docker.test_gate import MINIMAL, environment, labelled

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.docker


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A copy of the small system that a test may spoil, under image names of its own."""
    copy = tmp_path / "system"
    shutil.copytree(MINIMAL, copy, ignore=shutil.ignore_patterns(".readygate"))
    return copy


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 64 KiB, all of it used."""
    if os.geteuid() != 0:
        pytest.fail("mounting a small file system needs root: run the docker tests as root")
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    (folder / "filler").write_bytes(b"x" * 60 * 1024)
    yield folder
    subprocess.run(["umount", folder], check=True)


def run(system: Path, **env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "readygate", "run", "-q", "--check", "security.root-processes"]
    return subprocess.run(
        argv, cwd=system, env={**environment(), **env}, capture_output=True, text=True, timeout=300, check=False
    )


def said_once(done: subprocess.CompletedProcess[str], status: ExitStatus, what: str) -> None:
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr.count("error:") == 1, done.stderr
    assert what in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert labelled() == []


def test_no_engine(system: Path) -> None:
    done = run(system, DOCKER_HOST="unix:///nonexistent/docker.sock")
    said_once(done, ExitStatus.COULD_NOT_RUN, "engine")
    assert "readygate doctor" in done.stderr


def test_an_image_that_does_not_build(system: Path) -> None:
    dockerfile = system / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "\nRUN exit 3\n")
    done = run(system, MAILROOM_REGISTRY="unbuildable/")
    said_once(done, ExitStatus.COULD_NOT_RUN, "does not build")
    assert "exit 3" in done.stderr
    assert "docker compose" in done.stderr


def test_an_image_that_cannot_be_pulled(system: Path) -> None:
    for name, line, more in (
        ("compose.yaml", "services:\n", "  cache:\n    image: 127.0.0.1:9/cache:1\n"),
        ("readiness.toml", "[roles]\n", 'other = ["cache"]\n'),
    ):
        file = system / name
        file.write_text(file.read_text().replace(line, line + more, 1))
    done = run(system)
    said_once(done, ExitStatus.COULD_NOT_RUN, "cannot be pulled")
    assert "127.0.0.1:9" in done.stderr
    assert "docker compose" in done.stderr


def test_a_preparation_that_fails(system: Path) -> None:
    (system / "prepare.sh").write_text("#!/bin/sh\necho 'no random numbers today' >&2\nexit 7\n")
    said_once(run(system), ExitStatus.COULD_NOT_RUN, "no random numbers today")


def test_a_secret_that_is_not_there(system: Path) -> None:
    (system / "prepare.sh").write_text("#!/bin/sh\nrm -rf .secrets\n")
    done = run(system)
    assert done.returncode in {ExitStatus.COULD_NOT_RUN, ExitStatus.USAGE, ExitStatus.INCOMPLETE}, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert labelled() == []


def test_a_secret_that_is_wrong_is_found_before_anything_starts(tmp_path: Path) -> None:
    """Of the reference system: its set-up knows its secrets."""
    for name in ("docker-compose.prod.yml", "readiness.toml", "waivers.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("reference", "procedures", "scripts"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    secrets = tmp_path / ".secrets"
    secrets.mkdir()
    (secrets / "metrics_token").touch()
    done = run(tmp_path)
    assert done.returncode == ExitStatus.COULD_NOT_RUN, done.stdout + done.stderr
    assert f"error: {secrets}/metrics_token is empty." in done.stderr
    assert "scripts/prepare.sh" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert [path.name for path in secrets.iterdir()] == ["metrics_token"]
    assert labelled() == []


def test_no_space_for_the_results(system: Path, full_disk: Path) -> None:
    (system / ".readygate").symlink_to(full_disk)
    done = run(system)
    assert done.returncode in {ExitStatus.COULD_NOT_RUN, ExitStatus.USAGE}, done.stdout + done.stderr
    assert "space" in (done.stdout + done.stderr).lower()
    assert "Traceback" not in done.stdout + done.stderr
    assert labelled() == []
