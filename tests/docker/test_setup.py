"""Set-up on a real engine: once for everything, and again in seconds without touching anything."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from procedures import base_image, engine
from procedures.setup_step import SetupFailed, Step
from procedures.shell import run

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
SECOND_RUN_S = 3.0


def prepare() -> tuple[subprocess.CompletedProcess[str], float]:
    began = time.monotonic()
    done = subprocess.run([ROOT / "scripts/prepare.sh"], cwd="/", capture_output=True, text=True, check=False)
    return done, time.monotonic() - began


def left_on_the_engine() -> tuple[dict[str, str], str]:
    """The ids of set-up's own images by name, and its containers: others may build and run meanwhile."""
    names = sorted(json.loads((ROOT / ".readygate/images.json").read_text(encoding="utf-8"))["images"])
    assert len(names) > 6, "the platform and both releases"
    told = run(["docker", "image", "inspect", "--format", "{{.Id}}", *names]).check("an image is missing").stdout
    containers = run(["docker", "ps", "-aq", "--filter", "label=readygate.setup"]).check("docker ps").stdout
    return dict(zip(names, told.split(), strict=True)), containers


def test_prepared_twice_the_second_time_is_quick_and_changes_nothing() -> None:
    first, _ = prepare()
    assert first.returncode == 0, first.stderr
    files = {path: path.stat().st_mtime_ns for path in (ROOT / ".env", *sorted((ROOT / ".secrets").iterdir()))}
    before = left_on_the_engine()
    second, seconds = prepare()
    assert second.returncode == 0, second.stderr
    assert seconds <= SECOND_RUN_S
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert left_on_the_engine() == before
    assert before[1] == ""


def test_two_at_once_both_end_well() -> None:
    both = [
        subprocess.Popen([sys.executable, "-m", "procedures.setup", "stack"], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said.decode()


def test_the_engine_that_runs_is_found_and_left_alone() -> None:
    identity = ["docker", "info", "--format", "{{.ID}} {{.ContainersRunning}}"]
    before = run(identity).stdout.split()[0]
    step = Step("engine")
    engine.ensure(step)
    assert step.found.startswith("Docker ")
    assert run(identity).stdout.split()[0] == before


def test_an_image_that_the_user_chose_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BASE_IMAGE=registry.invalid/nobody/nothing:1\n")
    with pytest.raises(SetupFailed, match=r"BASE_IMAGE=registry\.invalid/nobody/nothing:1 in \.env") as caught:
        base_image.ensure(tmp_path, Step("base image"))
    assert "docker pull registry.invalid/nobody/nothing:1" in caught.value.mend
    assert (tmp_path / ".env").read_text() == "BASE_IMAGE=registry.invalid/nobody/nothing:1\n"
