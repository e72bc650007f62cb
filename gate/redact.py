"""Takes secrets out of everything before it is written. Knows shapes (tokens, keys, URLs) and the literal values."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from gate.model import Json

MASK = "***"

_SHAPES = (
    re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # JSON Web Token
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),  # user:password in a URL
    re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{8,}"),
    re.compile(r"(?i)(?<=basic )[\w+/=-]{8,}"),
)
_ASSIGNMENT = re.compile(
    r"""(?ix)(\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|passphrase|private[_-]?key)[\w-]*["']?\s*[=:]\s*["']?)([^\s"',;&}]{4,})"""
)
_NAME = re.compile(r"(?ix)[\w-]*(?:password|passwd|secret|token|api[_-]?key|passphrase|private[_-]?key)")
_SHORTEST_VALUE = 8  # a shorter secret would mask half of every text


class Redactor:
    """Masks known secret values and everything that looks like one.

    `values`: the literal secrets; those under 8 characters are not searched for.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: list[str] = []
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Mask these literal values too, and each of their lines, from now on, also where they are quoted or encoded.

        PEM's marker lines are no secret.
        """
        lines = (line.strip() for value in values for line in (value, *value.splitlines()) if "-----" not in line)
        known = {form for line in lines if len(line) >= _SHORTEST_VALUE for form in _forms(line)}
        self._values = sorted({*self._values, *known}, key=len, reverse=True)

    def text(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, MASK)
        for shape in _SHAPES:
            text = shape.sub(MASK, text)
        return _ASSIGNMENT.sub(lambda m: m[1] + MASK, text)

    def json(self, value: Json) -> Json:
        """The same for every string inside a JSON value, keys included; a text under a secret's name goes whole."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(k)): self._entry(str(k), v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.json(v) for v in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.text(str(value))

    def _entry(self, name: str, value: Json) -> Json:
        return MASK if isinstance(value, str) and value and _NAME.fullmatch(name) else self.json(value)


def _forms(secret: str) -> Iterator[str]:
    """The secret as it is, and as other texts hold it: in a Python or JSON string, in a URL, in Base64."""
    yield secret
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield b64encode(secret.encode("utf-8", "surrogatepass")).decode().rstrip("=")
