"""Reading a TOML file that a person wrote: every problem at once, each with file, line, path and what to do."""

from __future__ import annotations

import hashlib
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gate.errors import UsageError
from gate.toml_lines import Path as KeyPath
from gate.toml_lines import key_lines, line_of


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file; `path` is written a/b/c and empty when the file as a whole is meant."""

    file: str
    message: str
    path: str = ""
    line: int | None = None
    mend: str = ""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        what = f"{self.path}: {self.message}" if self.path else self.message
        return f"{where}: {what}" + (f"\n  mend: {self.mend}" if self.mend else "")


class TomlError(UsageError):
    """A file that cannot be used; carries every problem found in it. The command ends with exit status 2."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file that was read: its tables, where its keys stand, and the SHA-256 of its bytes."""

    file: Path
    name: str
    data: dict[str, Any]
    lines: dict[KeyPath, int]
    sha256: str

    def problem(self, path: KeyPath, message: str, mend: str = "") -> Problem:
        return Problem(self.name, message, written(path), line_of(self.lines, path), mend)


def read(file: Path, error: type[TomlError], *, missing: str) -> Document:
    """Read one file; raises `error` when it is absent (with `missing` as its mend), unreadable or not TOML."""
    name = str(file)
    try:
        raw = file.read_bytes()
        text = raw.decode("utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise error([Problem(name, "there is no such file", mend=missing)]) from None
    except OSError as failure:
        raise error([Problem(name, f"cannot be read: {failure.strerror}")]) from None
    except UnicodeDecodeError as failure:
        raise error([Problem(name, f"is not UTF-8 text (byte {failure.start})")]) from None
    except tomllib.TOMLDecodeError as failure:
        raise error([_not_toml(name, text, str(failure))]) from None
    document = Document(file, name, data, key_lines(text), hashlib.sha256(raw).hexdigest())
    if problems := [document.problem(path, "must not hold the character U+0000") for path in _with_nul(data, ())]:
        raise error(problems)
    return document


def way_to(file: Path) -> str:
    """What mends that a readiness.toml is not there: to go where it is, in a folder above, or to begin one."""
    above = next((folder for folder in file.absolute().parent.parents if (folder / file.name).is_file()), None)
    if above is None:
        return "readygate init"
    return f"cd {shlex.quote(str(above))} (or --target {shlex.quote(str(above / file.name))})"


def _with_nul(value: object, path: KeyPath) -> Iterator[KeyPath]:
    """Where a key or a text holds the one character that no argument, variable or file name can have."""
    if isinstance(value, str) and "\0" in value:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            if "\0" in key:
                yield path
            yield from _with_nul(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _with_nul(inner, (*path, index))


def written(path: KeyPath) -> str:
    """A path as it is shown: parts joined by /, positions in a list counted from 1."""
    return "/".join(str(part + 1) if isinstance(part, int) else part for part in path)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, with the nearest one that is, or all of them when none is near."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f'unknown {what}, did you mean "{near[0]}"?'
    return f"unknown {what}" + (f"; known here: {', '.join(names)}" if names else "; none is known here")


def _not_toml(name: str, text: str, said: str) -> Problem:
    at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", said)
    if at is None:
        return Problem(name, f"is not TOML: {said}")
    fact = said[: at.start()]
    if at[1] is None:
        return Problem(name, f"is not TOML: {fact} (at the end of the file)", line=len(text.splitlines()))
    return Problem(name, f"is not TOML: {fact} (column {at[2]})", line=int(at[1]))
