"""The stack's images: built once, known by what went into them, and a failure told apart from a lost network."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from procedures import env_file, environment
from procedures.setup_step import FAULTY_INPUT, SetupFailed, Step
from procedures.shell import Completed, run

COMPOSE_FILE = "docker-compose.prod.yml"
RELEASES = ("1.0.0", "1.1.0")
BUILD_TIMEOUT_S = 1800
_OF_A_RELEASE = ("docjobs-api", "docjobs-worker", "docjobs-migrate")
_RECORD = Path(".readygate/images.json")
_INPUTS = ("reference", COMPOSE_FILE, ".dockerignore", "procedures/build.py")
_VARIABLES = ("BASE_IMAGE", "DOCJOBS_REGISTRY", "PLATFORM_RELEASE")
_NETWORK = re.compile(
    r"temporary failure (?:in name resolution|resolving)|could not resolve|no such host|name or service not known"
    r"|connection (?:refused|timed out|reset)|network is unreachable|i/o timeout|tls handshake timeout"
    r"|failed to resolve source metadata|unable to fetch some archives|max retries exceeded|could not connect to"
    r"|temporarily unavailable|read timed out|certificate verify failed|pull access denied",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"no space left on device|cannot allocate memory|cannot connect to the docker daemon|unable to apply cgroup",
    re.IGNORECASE,
)
_FAILED_STEP = re.compile(r"^(#\d+) ERROR: ", re.MULTILINE)
_LINE_WIDTH = 200
_LAST_LINES = 12


def ensure(root: Path, step: Step) -> None:
    """Build the platform's images and both releases, or nothing when all are here and unchanged. Raises SetupFailed."""
    inputs = fingerprint(root)
    recorded = _recorded(root, inputs)
    if recorded and _ids(recorded) == recorded:
        step.found = f"{len(recorded)} unchanged"
        return
    images = _images(root)
    platform = sorted(service for service, image in images.items() if not _of_a_release(image))
    step.say(f"building {len(platform)} platform services")
    _must(run(_compose("build", *platform), cwd=root, timeout_s=BUILD_TIMEOUT_S), "the platform")
    for release in RELEASES:
        step.say(f"building release {release}")
        argv = [sys.executable, "-m", "procedures.build", release]
        _must(run(argv, cwd=root, timeout_s=BUILD_TIMEOUT_S), f"release {release}")
    names = {image for image in images.values() if not _of_a_release(image)}
    names |= {f"{_prefix(root)}{image}:{release}" for image in _OF_A_RELEASE for release in RELEASES}
    built = _ids(names)
    missing = sorted(names - built.keys())
    if missing:
        raise SetupFailed(f"The build ended well but {', '.join(missing)} is not on this machine.", "make setup")
    environment.write_atomically(root / _RECORD, json.dumps({"inputs": inputs, "images": built}, indent=1))
    step.found = f"{len(built)} built"


def fingerprint(root: Path) -> str:
    """A hash of everything that goes into the images: files, their modes, the base and the names."""
    digest = hashlib.sha256()
    for name in _INPUTS:
        for path in _files(root / name):
            mode = path.stat().st_mode & 0o111
            digest.update(f"{path.relative_to(root)}\0{mode}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    values = {name: env_file.given(root, name) for name in _VARIABLES}
    digest.update(json.dumps(values).encode())
    digest.update(json.dumps(_ids([values["BASE_IMAGE"]])).encode())
    return digest.hexdigest()


def explain(done: Completed, what: str) -> SetupFailed:
    """The error of a failed build: the network's or the machine's fault is status 3, a Dockerfile's is status 1."""
    text = done.stderr + done.stdout
    lines = [line.strip()[:_LINE_WIDTH] for line in text.splitlines() if line.strip()]
    for pattern, culprit in ((_MACHINE, "this machine"), (_NETWORK, "the network")):
        line = next((line for line in reversed(lines) if pattern.search(line)), "")
        if line:
            return SetupFailed(
                f"Building {what} failed because of {culprit}: {line}.", "readygate doctor, then: make setup"
            )
    return SetupFailed(
        f"Building {what} failed{_step_of(text, lines)}",
        "correct that step, then: make setup",
        status=FAULTY_INPUT,
    )


def _step_of(text: str, lines: list[str]) -> str:
    """Which step failed and the end of what it said; without a step the end of everything."""
    failed = _FAILED_STEP.search(text)
    if failed is None:
        return ":" + "".join(f"\n    {line}" for line in lines[-_LAST_LINES:])
    number = failed[1] + " "
    own = [line.removeprefix(number) for line in lines if line.startswith(number)]
    header = next((line for line in own if line.startswith("[")), "")
    return f" in {header}" + "".join(f"\n    {line}" for line in own[-_LAST_LINES:] if line != header)


def _must(done: Completed, what: str) -> None:
    if not done.ok:
        raise explain(done, what)


def _compose(*words: str) -> list[str]:
    return [
        "docker",
        "compose",
        "--env-file",
        ".env",
        "-f",
        COMPOSE_FILE,
        "--profile",
        "*",
        "--progress",
        "plain",
        *words,
    ]


def _images(root: Path) -> dict[str, str]:
    """The image of every service that compose would build."""
    done = run(_compose("config", "--format", "json"), cwd=root, timeout_s=60)
    if not done.ok:
        raise SetupFailed(
            f"Compose refuses {COMPOSE_FILE}: {' '.join(done.last_lines(2))}.",
            f"docker compose -f {COMPOSE_FILE} config",
            status=2,
        )
    services = json.loads(done.stdout)["services"]
    return {name: service["image"] for name, service in services.items() if "build" in service}


def _of_a_release(image: str) -> bool:
    return image.rsplit("/", 1)[-1].split(":", 1)[0] in _OF_A_RELEASE


def _prefix(root: Path) -> str:
    return env_file.given(root, "DOCJOBS_REGISTRY")


def _ids(names: Iterable[str]) -> dict[str, str]:
    """The ids of those images that the engine has."""
    wanted = [name for name in names if name]
    found: dict[str, str] = {}
    if not wanted:
        return found
    done = run(["docker", "image", "inspect", *wanted], timeout_s=60)
    for image in json.loads(done.stdout or "[]"):
        found |= {tag: image["Id"] for tag in image.get("RepoTags") or [] if tag in wanted}
    return found


def _recorded(root: Path, inputs: str) -> Mapping[str, str]:
    """The images that an earlier set-up built from the same inputs; empty when there is no such record."""
    path = root / _RECORD
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        images: dict[str, str] = record["images"] if record["inputs"] == inputs else {}
    except (ValueError, KeyError):
        return {}  # of another version of set-up: build again, which the cache makes cheap
    return images


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
