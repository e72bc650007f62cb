"""Takes secrets out of everything before it is written. Knows shapes (tokens, keys, URLs) and values planted by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from gate.model import Json

MASK = "***"

_SHAPES = (
    re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # JSON Web Token
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # user:password in a URL
    re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{8,}"),
    re.compile(r"(?i)(?<=basic )[\w+/=-]{8,}"),
)
_ASSIGNMENT = re.compile(
    r"""(?ix)(\b[\w-]*(?:password|passwd|secret|token|api_?key|passphrase|private_?key)[\w-]*["']?\s*[=:]\s*["']?)([^\s"',;&}]{4,})"""
)
_SHORTEST_VALUE = 8  # a shorter secret would mask half of every text


class Redactor:
    """Masks known secret values and everything that looks like one.

    `values`: the literal secrets; those under 8 characters are not searched for.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = sorted({v for v in values if len(v) >= _SHORTEST_VALUE}, key=len, reverse=True)

    @classmethod
    def of_folder(cls, folder: Path) -> Redactor:
        """Every file of a secrets folder, whole and line by line. A folder that is not there holds no secrets."""
        values: list[str] = []
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and path.suffix != ".crt":
                text = path.read_text(errors="replace").strip()
                values += [text, *(line.strip() for line in text.splitlines() if "-----" not in line)]
        return cls(values)

    def text(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, MASK)
        for shape in _SHAPES:
            text = shape.sub(MASK, text)
        return _ASSIGNMENT.sub(lambda m: m[1] + MASK, text)

    def json(self, value: Json) -> Json:
        """The same for every string inside a JSON value, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(k)): self.json(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.json(v) for v in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.text(str(value))
