"""The environment file that compose reads: the durable truth of which release and colour is live."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from procedures.refusal import Refused

_ROOM = 512  # characters by which a change may make the file longer: names of releases and profiles
ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)$")


@dataclass(frozen=True, slots=True)
class Assignment:
    """One KEY=value and the line it stands on."""

    key: str
    value: str
    line: int


def locate(environ: Mapping[str, str] = os.environ) -> Path:
    """The file compose uses; of several, the last one, because it wins. Refused when it does not exist."""
    named = [name for name in environ.get("COMPOSE_ENV_FILES", "").split(",") if name.strip()]
    path = Path(named[-1].strip()) if named else Path(".env")
    if not path.is_file():
        raise Refused(f"there is no environment file {path}", "make setup, or set COMPOSE_ENV_FILES")
    return path.resolve()


def assignments(text: str) -> list[Assignment]:
    """The assignments of an environment file in order, quotes and trailing comments removed."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#"):
            continue
        match = ASSIGNMENT.match(line)
        if match:
            found.append(Assignment(match["key"], _bare(match["value"]), number))
    return found


def read(path: Path) -> dict[str, str]:
    """The values of the file; the last assignment of a key wins."""
    return {each.key: each.value for each in assignments(path.read_text(encoding="utf-8"))}


def rewrite(path: Path, changes: Mapping[str, str]) -> None:
    """Set `changes` in the file, keeping every other line; readers see the old file or the new one, never half of it.

    A file that says all this already is not touched: on a full disk that is the difference between a way back and none.
    """
    if read(path).items() >= changes.items():
        return
    write_atomically(path, rewritten(path.read_text(encoding="utf-8"), changes))


def rewritten(text: str, changes: Mapping[str, str]) -> str:
    """The text with `changes` set in it, and every other line as it was."""
    lines = text.splitlines()
    left = dict(changes)
    for index, line in enumerate(lines):
        match = ASSIGNMENT.match(line)
        if match and match["key"] in changes:
            lines[index] = f"{match['key']}={changes[match['key']]}"
            left.pop(match["key"], None)
    lines += [f"{key}={value}" for key, value in left.items()]
    return "\n".join(lines) + "\n"


def replaceable(path: Path) -> None:
    """Raise OSError when the file could not be replaced by one as large: before a change, not in the middle of it."""
    with _aside(path, path.read_text(encoding="utf-8") + "\n" * _ROOM):
        pass


def write_atomically(path: Path, text: str) -> None:
    """Replace the file by one that is on disk already, with the same mode. Raises OSError."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    with _aside(path, text) as written:
        written.chmod(mode)
        written.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _aside(path: Path, text: str) -> Iterator[Path]:
    """The text in a file of its own beside `path`, on disk already; gone at the end unless it was moved away."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _bare(value: str) -> str:
    value = value.strip()
    if value[:1] in {"'", '"'}:
        closing = value.find(value[0], 1)
        return value[1:closing] if closing > 0 else value
    return re.sub(r"\s+#.*$", "", value).strip()
