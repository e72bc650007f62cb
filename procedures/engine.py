"""A container engine that answers: found, or on Debian and Ubuntu as root installed and started."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from procedures import apt
from procedures.private_files import locked
from procedures.setup_step import SetupFailed, Step
from procedures.shell import Completed, run, start_detached

START_TIMEOUT_S = 60.0
_PID_FILE = Path("/var/run/docker.pid")
_CONTAINERD_PID_FILE = Path("/var/run/docker/containerd/containerd.pid")
_LOG = Path("/var/log/dockerd.log")
_LOCK = Path("/run/readygate-engine.lock")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INSTALL = "sudo apt-get install -y docker.io && sudo usermod -aG docker $USER, then log in again"
_INSTALL_ELSEWHERE = "install Docker Engine 20.10 or later as its manual says for your system, then: make setup"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the engine answered: its version, or what the client said instead."""

    version: str
    said: str

    @property
    def ok(self) -> bool:
        return bool(self.version)


def ask(timeout_s: float = 15) -> Answer:
    """Ask the engine for its version."""
    done = run(["docker", "version", "--format", "{{.Server.Version}}"], timeout_s=timeout_s)
    version = done.stdout.strip()
    return Answer(version if done.ok else "", _last_word(done))


def ensure(step: Step) -> None:
    """Leave with an engine that answers, or raise SetupFailed with what is missing and how to mend it."""
    answer = ask()
    if not answer.ok:
        answer = _make_it_answer(step, answer)
    step.found = f"Docker {answer.version} answers"


def _make_it_answer(step: Step, answer: Answer) -> Answer:
    elsewhere = os.environ.get("DOCKER_HOST", "")
    if elsewhere:
        raise SetupFailed(
            f"The Docker engine at DOCKER_HOST={elsewhere} does not answer: {answer.said}.",
            "start that engine, or: unset DOCKER_HOST",
        )
    if "permission denied" in answer.said.lower():
        raise SetupFailed(
            "The Docker engine runs, but this user may not talk to it.",
            "sudo usermod -aG docker $USER, then log in again",
        )
    if os.geteuid() != 0:
        raise _not_ours_to_start()
    with locked(_LOCK):  # two set-ups on one machine: the second finds the engine that the first one started
        answer = ask()
        if answer.ok:
            return answer
        if _program("dockerd") is None or _program("docker") is None:
            _install(step)
        return _start(step)


def _not_ours_to_start() -> SetupFailed:
    if _program("docker") is None:
        mend = _INSTALL if shutil.which("apt-get") else _INSTALL_ELSEWHERE
        return SetupFailed("There is no Docker engine on this machine, and only root may install one.", mend)
    start = "sudo systemctl start docker" if _systemd() else "sudo dockerd"
    return SetupFailed("Docker is installed, but its engine does not answer, and only root may start it.", start)


def _install(step: Step) -> None:
    if not apt.usable():
        raise SetupFailed(
            "There is no Docker engine on this machine, and it is neither Debian nor Ubuntu.", _INSTALL_ELSEWHERE
        )
    step.say("installing docker.io through apt-get")
    apt.install("docker.io", "ca-certificates")
    if _program("docker") is None:  # since Debian 13 the client is a package of its own
        apt.install("docker-cli")


def _start(step: Step) -> Answer:
    if _systemd():
        step.say("starting the engine through systemd")
        run(["systemctl", "start", "docker"], timeout_s=START_TIMEOUT_S).check(
            "systemd could not start the Docker engine", "journalctl -u docker -n 50"
        )
        return wait(START_TIMEOUT_S, log="journalctl -u docker")
    if not _answers_while_alive(START_TIMEOUT_S):
        step.say(f"starting dockerd, which logs to {_LOG}")
        for pid_file, name in ((_PID_FILE, "dockerd"), (_CONTAINERD_PID_FILE, "containerd")):
            if not _alive(pid_file, name):
                pid_file.unlink(missing_ok=True)  # dockerd itself takes a ghost for a living one
        start_by_hand([_program("dockerd") or "dockerd"], log=_LOG)
    return wait(START_TIMEOUT_S, log=str(_LOG))


def _answers_while_alive(within_s: float) -> bool:
    """Whether an engine that runs already comes to answer; False as soon as its process is gone, as after a kill."""
    end = time.monotonic() + within_s
    while _alive(_PID_FILE):
        if ask().ok or time.monotonic() > end:
            return True
        _pause()
    return False


def start_by_hand(argv: Sequence[str], *, log: Path) -> int:
    """Start an engine that outlives this process and return its process id; raises SetupFailed."""
    try:
        return start_detached(["env", f"PATH={_SYSTEM_PATH}", *argv], log=log)
    except OSError as error:
        raise SetupFailed(f"The Docker engine could not be started: {error}.", "dockerd") from error


def wait(within_s: float, *, log: str) -> Answer:
    """Wait until the engine answers; SetupFailed with the end of its log after `within_s` seconds."""
    end = time.monotonic() + within_s
    while True:
        answer = ask()
        if answer.ok:
            return answer
        if time.monotonic() > end:
            raise SetupFailed(
                f"The Docker engine was started but did not answer within {within_s:g} s: {_why(log) or answer.said}.",
                f"read {log}, then: make setup",
            )
        _pause()


def _pause() -> None:
    time.sleep(0.3)


def _why(log: str) -> str:
    path = Path(log)
    if not path.is_file():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line for line in lines if "failed" in line.lower() or "fatal" in line.lower()]
    return (told or lines or [""])[-1][-300:]


def _systemd() -> bool:
    return Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=_SYSTEM_PATH)


def _alive(pid_file: Path, name: str = "dockerd") -> bool:
    """Whether the engine that wrote the file still runs: after a restart its number may be another program's."""
    try:
        number = pid_file.read_text(encoding="ascii").strip()
        stat = Path("/proc", number, "stat").read_text(encoding="utf-8")
        # A killed engine keeps its name until its parent has taken notice: Z and X are its ghosts.
        return f"({name}) " in stat and stat.rpartition(") ")[2][0] not in {"Z", "X"}
    except OSError:
        return False


def _last_word(done: Completed) -> str:
    return (done.last_lines(1) or ("no answer",))[0].rstrip(".")
