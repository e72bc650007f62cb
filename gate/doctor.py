"""What this machine lacks for a run, and the command that mends it. Changes nothing and takes at most five seconds."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import socket
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException
from rich.table import Table
from rich.text import Text

from gate import advisories, shell
from gate.text import visible
from gate.toml_error import way_to

State = Literal["ok", "warning", "missing"]
Info = Mapping[str, Any]

PATIENCE_S = 2.6  # for everything beside the engine; what has not answered by then counts as unreachable
PROBE_S = 2.2
NEEDED_COMPOSE = (2, 20)
NEEDED_MEMORY_MIB, COMFORTABLE_MEMORY_MIB = 3 * 1024, 6 * 1024
NEEDED_DISK_MIB, COMFORTABLE_DISK_MIB = 5 * 1024, 12 * 1024
CLOCK_WARNING_S, CLOCK_WRONG_S = 2.0, 30.0
PUBLIC_IMAGE = "debian:trixie-slim"
TARGET = Path("readiness.toml")
_SIGNS: Mapping[State, str] = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "missing": "[red]✕[/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about this machine; `missing` means that no run can start."""

    name: str
    state: State
    detail: str
    mend: str = ""


def diagnose(target: Path = TARGET) -> list[Finding]:
    """Look at everything a run needs, side by side; what does not answer in time is reported as such."""
    engine, info = _engine()
    probes: dict[str, tuple[State, Callable[[], Finding]]] = {
        "compose": ("missing", _compose),
        "memory": ("warning", lambda: _memory(info)),
        "disk": ("warning", lambda: _disk(info)),
        "port": ("warning", lambda: _port(target)),
        "clock": ("warning", lambda: _clock(info)),
        "images": ("warning", lambda: _images(target, info)),
        "registry": ("warning", lambda: _registry(info)),
        "advisories": ("warning", lambda: _advisories(target)),
    }
    found: dict[str, Finding] = {}

    def look(name: str, probe: Callable[[], Finding]) -> None:
        with suppress(TimeoutError):  # what did not end in time is reported as such below
            found[name] = probe()

    # Daemon threads: looking up a host name has no time limit of its own, and must not hold up the end either.
    running = [threading.Thread(target=look, args=(name, probe), daemon=True) for name, (_, probe) in probes.items()]
    end = time.monotonic() + PATIENCE_S
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {PATIENCE_S:g} s"
    return [
        _python(),
        engine,
        *(
            found.get(name) or Finding(name, state, late, "readygate doctor, again")
            for name, (state, _) in probes.items()
        ),
    ]


def could_run(findings: Sequence[Finding]) -> bool:
    """Whether a run could start on this machine."""
    return all(finding.state != "missing" for finding in findings)


def render(findings: Sequence[Finding]) -> Table:
    """The findings as a table for rich: sign and word, so that it reads without colour too."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for column in ("sign", "name", "detail"):
        table.add_column(column, no_wrap=column != "detail", overflow="fold")
    for finding in findings:
        mend = f"\nto mend it: {finding.mend}" if finding.mend and finding.state != "ok" else ""
        table.add_row(f"{_SIGNS[finding.state]} {finding.state}", finding.name, Text(visible(finding.detail + mend)))
    lacking = [finding.name for finding in findings if finding.state == "missing"]
    table.add_row("", "", "")
    table.add_row(
        "", "", f"A run cannot start: {', '.join(lacking)}." if lacking else "On this machine a run can start."
    )
    return table


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036  (someone may start a checkout with any interpreter)
        return Finding("python", "missing", f"Python {version}; 3.11 or later is needed", "apt-get install python3")
    return Finding("python", "ok", f"Python {version}")


def _engine() -> tuple[Finding, Info]:
    """The engine and what it says about itself; an empty mapping where none answers."""
    where = os.environ.get("DOCKER_HOST", "the local socket")
    # The client first: the SDK leaves its socket open where nobody answers, and the client's question can be ended.
    asked = shell.run(["docker", "version", "--format", "{{.Server.Version}}"], timeout_s=PROBE_S)
    if asked.status == 127:
        return Finding("engine", "missing", "there is no Docker engine on this machine", "sudo make setup"), {}
    late = f" within {PROBE_S:g} s" if asked.timed_out else ""
    if asked.status != 0:
        if "permission denied" in asked.stderr.lower():
            mend = "sudo usermod -aG docker $USER, then log in again"
            return Finding("engine", "missing", f"this user may not talk to the engine at {where}", mend), {}
        return Finding("engine", "missing", f"no Docker engine answers at {where}{late}", "sudo make setup"), {}
    try:
        with closing(docker.from_env(timeout=PROBE_S)) as client:
            info: Info = client.info()
    except (DockerException, RequestException) as error:
        return Finding(
            "engine", "missing", f"the engine at {where} does not tell about itself: {error}", "docker info"
        ), {}
    cores, version = info.get("NCPU", "?"), info.get("ServerVersion", "?")
    return Finding(
        "engine", "ok", f"Docker {version}, {info.get('OSType')}/{info.get('Architecture')}, {cores} cores"
    ), info


def _compose() -> Finding:
    done = shell.run(["docker", "compose", "version", "--short"], timeout_s=PROBE_S)
    said = done.stdout.strip()
    if done.status != 0 or not said:
        return Finding("compose", "missing", "`docker compose` does not answer", "make setup")
    numbers = tuple(int(part) for part in said.lstrip("v").split("-")[0].split(".")[:2] if part.isdigit())
    if numbers < NEEDED_COMPOSE:
        return Finding("compose", "missing", f"Compose {said} is too old; 2.20 or later is needed", "make setup")
    return Finding("compose", "ok", f"Compose {said}")


def _memory(info: Info) -> Finding:
    total = int(info.get("MemTotal", 0)) // 2**20 or _meminfo("MemTotal")
    free = _meminfo("MemAvailable")
    detail = f"{total} MiB, of which {free} MiB are free"
    mend = "give the engine more memory, or stop what uses it"
    return Finding("memory", _enough(free, NEEDED_MEMORY_MIB, COMFORTABLE_MEMORY_MIB), detail, mend)


def _meminfo(field: str) -> int:
    """A field of the kernel's memory table in MiB; 0 where there is none."""
    path = Path("/proc/meminfo")
    lines = path.read_text(encoding="ascii").splitlines() if path.is_file() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{field}:")), 0)


def _disk(info: Info) -> Finding:
    folder = Path(str(info.get("DockerRootDir", "")) or "/")
    while not folder.is_dir():  # an engine elsewhere: at least the run folder needs space here
        folder = folder.parent
    free = shutil.disk_usage(folder).free // 2**20
    detail = f"{free} MiB free where the engine keeps its data ({folder})"
    mend = "docker system df shows what uses it; remove what you no longer need"
    return Finding("disk", _enough(free, NEEDED_DISK_MIB, COMFORTABLE_DISK_MIB), detail, mend)


def _enough(value: int, needed: int, comfortable: int) -> State:
    if value < needed:
        return "missing"
    return "ok" if value >= comfortable else "warning"


def _port(target: Path) -> Finding:
    """The port that the system itself would publish; the gate's own stacks take free ones."""
    found = _published(target)
    if not found:
        return Finding("port", "warning", *_untold(target, "which port is published"))
    taken = [f"{host}:{port}" for host, port in found if not _free(host, port)]
    names = ", ".join(f"{host}:{port}" for host, port in found)
    if taken:
        detail = f"{', '.join(taken)} is in use: the gate takes another port, `docker-compose up` would fail"
        return Finding("port", "warning", detail, f"ss -ltnp 'sport = :{taken[0].rsplit(':', 1)[-1]}'")
    return Finding("port", "ok", f"{names} is free")


def _free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _clock(info: Info) -> Finding:
    mend = "timedatectl set-ntp true"
    year = datetime.datetime.now(datetime.UTC).year
    if year < 2025:
        return Finding("clock", "missing", f"this machine believes that it is the year {year}", mend)
    if not info:
        return Finding("clock", "warning", "no engine to compare with", "make setup")
    told = _engine_time()
    if told is None:
        return Finding("clock", "warning", "the engine does not tell its time", "readygate doctor, again")
    ahead = told - time.time()
    detail = f"the engine is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine"
    if abs(ahead) > CLOCK_WRONG_S:
        return Finding("clock", "missing", detail, mend)
    return Finding("clock", "warning" if abs(ahead) > CLOCK_WARNING_S else "ok", detail, mend)


def _engine_time() -> float | None:
    """The engine's clock now, in seconds since 1970; asked anew, because the first answer has aged meanwhile."""
    try:
        with closing(docker.from_env(timeout=PROBE_S)) as client:
            told = str(client.info()["SystemTime"])
        return datetime.datetime.fromisoformat(told[:19] + "+00:00").timestamp() + float(f"0.{told[20:26]}")
    except (DockerException, RequestException, KeyError, ValueError):
        return None


def _images(target: Path, info: Info) -> Finding:
    if not info:
        return Finding("images", "warning", "no engine to ask", "make setup")
    wanted = {str(service["image"]) for service in _services(target).values() if "image" in service}
    if not wanted:
        return Finding("images", "warning", *_untold(target, "which images are needed"))
    try:
        with closing(docker.from_env(timeout=PROBE_S)) as client:
            here = {tag for image in client.images.list() for tag in image.tags}
    except (DockerException, RequestException) as error:
        return Finding("images", "warning", f"the engine does not tell: {error}", "readygate doctor, again")
    lacking = sorted(wanted - here)
    if lacking:
        detail = (
            f"{len(lacking)} of {len(wanted)} are not here yet ({', '.join(lacking[:3])}{'…' * (len(lacking) > 3)}): "
            "a run builds or pulls them first"
        )
        return Finding("images", "warning", detail, "nothing; for the reference system make setup does it beforehand")
    return Finding("images", "ok", f"all {len(wanted)} are here")


def _registry(info: Info) -> Finding:
    if not info:
        return Finding("registry", "warning", "no engine to ask", "make setup")
    mend = "nothing, if images are built here; else the engine's network, proxy or registry mirror"
    try:
        with closing(docker.from_env(timeout=PROBE_S)) as client:
            client.images.get_registry_data(PUBLIC_IMAGE)
    except (APIError, DockerException, RequestException):
        return Finding("registry", "warning", f"no registry tells about {PUBLIC_IMAGE}", mend)
    return Finding("registry", "ok", f"tells about {PUBLIC_IMAGE}")


def _advisories(target: Path) -> Finding:
    """What a run would ask, unless its command line names something else."""
    source = advisories.source_of(target)
    if wrong := advisories.lacking(source, target.parent, PROBE_S):
        mend = f"checks of known vulnerabilities stay unverified; other data: {advisories.OTHERS}"
        return Finding("advisories", "warning", wrong, mend)
    return Finding("advisories", "ok", f"{source} {'answers' if advisories.is_url(source) else 'is there'}")


def _untold(target: Path, what: str) -> tuple[str, str]:
    """That no compose file tells `what`, and what mends it."""
    if not target.is_file():
        return f"there is no {target.name} here, whose compose file tells {what}", way_to(target)
    detail = f"no compose file that {target.name} names tells {what}"
    return detail, "nothing, if it is so; else readygate run, which says what is wrong before it starts anything"


def _published(target: Path) -> list[tuple[str, int]]:
    ports = [port for service in _services(target).values() for port in service.get("ports", [])]
    return [
        (str(port.get("host_ip") or "0.0.0.0"), int(port["published"]))  # noqa: S104  (compose's own default)
        for port in ports
        if str(port.get("published", "")).isdigit()
    ]


def _services(target: Path) -> Mapping[str, Mapping[str, Any]]:
    """The services as compose understands them; empty where there is no target or compose refuses it.

    Raises TimeoutError when compose does not end in time.
    """
    try:
        stack = tomllib.loads(target.read_text(encoding="utf-8"))["stack"]
        files = [word for name in stack["compose"] for word in ("-f", str(target.parent / name))]
        variables = [Path(target.parent, ".env"), Path(target.parent, str(stack.get("env_file", ".env")))]
    except (OSError, KeyError, TypeError, ValueError):
        return {}  # `readygate run` explains a readiness.toml that cannot be read; here it only says nothing
    env = next((["--env-file", str(path)] for path in variables if path.is_file()), [])
    argv = ["docker", "compose", *env, *files, "config", "--format", "json", "--no-path-resolution"]
    done = shell.run(argv, timeout_s=PROBE_S)
    if done.timed_out:
        raise TimeoutError
    services: Mapping[str, Mapping[str, Any]] = json.loads(done.stdout)["services"] if done.status == 0 else {}
    return services
