"""Debian's package manager: whether we may use it, how, and which mirror this machine takes its packages from."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from procedures.setup_step import SetupFailed
from procedures.shell import run

_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$")
_QUIET = ("-y", "-q", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3")


@dataclass(frozen=True, slots=True)
class Source:
    """A place that apt takes packages from: one URI and one suite."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Where this machine finds Debian itself and its security updates; empty where it does not say."""

    debian: str = ""
    security: str = ""


def usable() -> bool:
    """Whether this user may install packages here: root on Debian, Ubuntu or a child of theirs."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> None:
    """Install packages without ever removing one. Raises SetupFailed with apt's own last lines."""
    words = " ".join(packages)
    mend = f"apt-get update && apt-get install {words}, then repeat"
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    updated = run(["apt-get", "update", *_QUIET], env=environment, timeout_s=300)
    installed = run(
        ["apt-get", "install", *_QUIET, "--no-install-recommends", "--no-remove", *packages],
        env=environment,
        timeout_s=900,
    )
    if not installed.ok:
        said = " | ".join((*updated.last_lines(2), *installed.last_lines(3)))
        raise SetupFailed(f"apt-get could not install {words}: {said}.", mend)


def mirrors(root: Path = Path("/")) -> Mirrors:
    """The Debian mirrors in the machine's own apt configuration; none on Ubuntu, whose mirrors hold no Debian."""
    release = os_release(root)
    codename = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or not codename:
        return Mirrors()
    found = sources(root / "etc/apt")
    return Mirrors(_best(found, {codename, "stable", "testing"}), _best(found, {f"{codename}-security"}))


def os_release(root: Path = Path("/")) -> dict[str, str]:
    """What the system says it is; empty where the file is missing."""
    path = root / "etc/os-release"
    if not path.is_file():
        return {}
    lines = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, _, value in lines}


def sources(folder: Path) -> list[Source]:
    """Every enabled source of binary packages in the folder, one-line and deb822 style, in apt's order."""
    found: list[Source] = []
    for path in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".sources":
            found += [source for stanza in _stanzas(text) for source in _from_stanza(stanza)]
        elif path.suffix == ".list":
            found += _from_lines(text.splitlines())
    return found


def _from_lines(lines: Iterable[str]) -> Iterable[Source]:
    for line in lines:
        match = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if match:
            signed = re.search(r"signed-by=(\S+)", match["options"] or "")
            yield Source(match["uri"], match["suite"], tuple(match["components"].split()), signed[1] if signed else "")


def _stanzas(text: str) -> Iterable[dict[str, str]]:
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and key:
                fields[key] += " " + line.strip()
            elif ":" in line:
                name, _, value = line.partition(":")
                key = name.strip().lower()
                fields[key] = value.strip()
        if fields:
            yield fields


def _from_stanza(fields: Mapping[str, str]) -> Iterable[Source]:
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {"no", "false", "0"}:
        return
    for uri in fields.get("uris", "").split():
        for suite in fields.get("suites", "").split():
            yield Source(uri, suite, tuple(fields.get("components", "").split()), fields.get("signed-by", ""))


def _best(found: Iterable[Source], suites: set[str]) -> str:
    """The source that most looks like Debian's own: other publishers use Debian's suite names too."""

    def likeness(source: Source) -> int:
        path = source.uri.rstrip("/")
        return 2 * ("debian-archive" in source.signed_by) + path.endswith(("/debian", "/debian-security"))

    candidates = [
        source
        for source in found
        if source.suite.rstrip("/").removesuffix("/updates") in suites
        and "main" in source.components
        and source.uri.startswith(("http://", "https://"))
        and likeness(source) > 0
    ]
    return max(candidates, key=likeness).uri if candidates else ""
