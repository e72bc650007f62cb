"""What set-up says when the engine is missing, and that it starts one only where it may."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from procedures import apt, engine, setup
from procedures.setup_step import SetupFailed, Step

ROOT = Path(__file__).resolve().parents[2]


def program(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with one folder of our own, and nothing of the system's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(engine, "_SYSTEM_PATH", str(folder))
    monkeypatch.setattr(engine, "_LOCK", tmp_path / "lock")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return folder


def failure(monkeypatch: pytest.MonkeyPatch, *, uid: int) -> SetupFailed:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    with pytest.raises(SetupFailed) as caught:
        engine.ensure(Step("engine"))
    return caught.value


def test_no_engine_and_not_root_on_debian(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "apt-get", "exit 99")
    error = failure(monkeypatch, uid=1000)
    assert error.sentence == "There is no Docker engine on this machine, and only root may install one."
    assert error.mend.startswith("sudo apt-get install -y docker.io")
    assert error.status == 3


def test_no_engine_and_not_root_elsewhere(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Docker Engine 20.10 or later" in failure(monkeypatch, uid=1000).mend


def test_no_engine_and_root_but_no_apt(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "neither Debian nor Ubuntu" in failure(monkeypatch, uid=0).sentence


def test_installed_but_silent_and_not_root(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    error = failure(monkeypatch, uid=1000)
    assert "its engine does not answer" in error.sentence
    assert error.mend in {"sudo dockerd", "sudo systemctl start docker"}


def test_not_allowed_to_talk_to_it(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "docker", "echo 'dial unix /var/run/docker.sock: connect: permission denied' >&2; exit 1")
    assert "usermod -aG docker" in failure(monkeypatch, uid=1000).mend


def test_an_engine_elsewhere_is_never_replaced_by_one_of_ours(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "dockerd", "exit 99")
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    error = failure(monkeypatch, uid=0)
    assert "DOCKER_HOST=tcp://192.0.2.1:2375" in error.sentence
    assert "unset DOCKER_HOST" in error.mend


def test_apt_that_fails_says_so_in_its_own_words(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "apt-get", "echo 'E: Unable to locate package docker.io' >&2; exit 100")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SetupFailed, match="Unable to locate package") as caught:
        apt.install("docker.io")
    assert caught.value.mend.startswith("apt-get update && apt-get install docker.io")


def test_a_started_engine_that_never_answers_ends_with_the_end_of_its_log(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bare, "docker", "exit 1")
    log = tmp_path / "dockerd.log"
    log.write_text("level=info msg=starting\nfailed to start daemon: no space left on device\n")
    with pytest.raises(SetupFailed, match="no space left on device") as caught:
        engine.wait(0, log=str(log))
    assert str(log) in caught.value.mend


def test_an_engine_started_by_hand_outlives_its_starter_and_finds_the_system_s_programs(tmp_path: Path) -> None:
    script = tmp_path / "daemon"
    program(tmp_path, "daemon", f'echo "$PATH" >> {tmp_path}/path; exec 3<>{tmp_path}/held; read -r _ <&3')
    os.mkfifo(tmp_path / "held")
    code = (
        "from pathlib import Path; from procedures import engine; import sys\n"
        "print(engine.start_by_hand([sys.argv[1]], log=Path(sys.argv[2])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(script), str(tmp_path / "log")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    number = int(done.stdout)
    try:
        assert Path("/proc", str(number)).is_dir()
        assert os.getsid(number) == number
    finally:
        os.kill(number, 9)
    assert (tmp_path / "log").exists()


@pytest.mark.parametrize("content", ["", "999999999", "1\n"])
def test_the_number_of_another_program_is_not_an_engine(tmp_path: Path, content: str) -> None:
    (tmp_path / "docker.pid").write_text(content)
    assert not engine._alive(tmp_path / "docker.pid")
    assert not engine._alive(tmp_path / "missing.pid")


def test_the_command_prints_one_sentence_and_one_hint_and_no_traceback(tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", "echo 'Cannot connect' >&2; exit 1")
    done = subprocess.run(
        [sys.executable, "-m", "procedures.setup", "machine"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path / "bin"), "DOCKER_HOST": "unix:///nowhere.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    last = done.stderr.splitlines()[-2:]
    assert last[0].startswith("error: The Docker engine at DOCKER_HOST=unix:///nowhere.sock does not answer")
    assert last[1].startswith("hint:  ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_step: Step) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "plan", lambda *_: [("engine", interrupted)])
    assert setup.main(["machine"]) == 130
    assert "hint:  make setup" in capsys.readouterr().err


def test_a_killed_engine_whose_parent_has_not_noticed_is_no_living_one(tmp_path: Path) -> None:
    program = tmp_path / "dockerd"
    program.symlink_to("/bin/sleep")
    engine_process = subprocess.Popen([program, "60"])
    pid_file = tmp_path / "docker.pid"
    pid_file.write_text(f"{engine_process.pid}\n")
    try:
        assert _becomes(lambda: engine._alive(pid_file), wanted=True)
        engine_process.kill()  # and not waited for: a ghost that keeps its name
        assert _becomes(lambda: engine._alive(pid_file), wanted=False)
    finally:
        engine_process.wait()


def _becomes(probe: Callable[[], bool], *, wanted: bool) -> bool:
    end = time.monotonic() + 10
    while probe() is not wanted and time.monotonic() < end:
        time.sleep(0.01)
    return probe() is wanted
