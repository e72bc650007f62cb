"""Takes secrets out of everything before it is written. Knows shapes (tokens, keys, URLs) and the literal values."""

from __future__ import annotations

import re
from collections.abc import Iterable

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
        self._values: list[str] = []
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Mask these literal values too, and each of their lines, from now on. PEM's marker lines are no secret."""
        lines = (line.strip() for value in values for line in (value, *value.splitlines()) if "-----" not in line)
        known = {*self._values, *(line for line in lines if len(line) >= _SHORTEST_VALUE)}
        self._values = sorted(known, key=len, reverse=True)

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
