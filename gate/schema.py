"""What may stand in readiness.toml, read from example.toml: keys, their types, and which of them are needed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gate.model import Json
from gate.toml_error import Document, Problem, unknown

EXAMPLE = Path(__file__).with_name("example.toml")

# Tables whose keys are the user's own; what their values must be.
OPEN = {
    "stack/env": "string",
    "job/body": "anything",
    "job/headers": "string",
    "profiles/quick/env": "string",
    "profiles/release/env": "string",
    "profiles/soak/env": "string",
    "limits": "anything",
    "absent": "string",
}
_NUMBER_SUFFIXES = ("_s", "_ms", "_mib")
_OPTIONAL = re.compile(r'^(#{1,2})(?=["\[a-z])', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Node:
    """One key: what its value must be, and for a table its keys. `needed`: its table is not complete without it."""

    kind: str
    needed: bool
    keys: Mapping[str, Node] = field(default_factory=dict)


def example(level: int) -> dict[str, Any]:
    """The example, parsed, with the marks of optional lines taken away: 0 none, 1 those with one #, 2 all."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return tomllib.loads(_OPTIONAL.sub(lambda mark: "" if len(mark[1]) <= level else mark[1], text))


@cache
def schema() -> Node:
    """The schema of readiness.toml."""
    return _table("", example(2), [example(0), example(1), example(2)], needed=True)


def check(document: Document) -> list[Problem]:
    """Everything wrong with names, types and completeness; meaning is judged by gate.target_rules."""
    return list(_check_table(document, (), document.data, schema(), ""))


def _table(path: str, full: Mapping[str, Any], levels: list[Any], *, needed: bool) -> Node:
    if path in OPEN:
        return Node(f"table of {OPEN[path]}", needed)
    first = next(level for level in levels if level is not None)
    keys: dict[str, Node] = {}
    for name, value in full.items():
        below = f"{path}/{name}".lstrip("/")
        if isinstance(value, dict):
            deeper = [None if level is None else level.get(name) for level in levels]
            keys[name] = _table(below, value, deeper, needed=name in first)
        else:
            keys[name] = Node(_kind(name, value), name in first)
    return Node("table", needed, keys)


def _kind(name: str, value: Json) -> str:
    if isinstance(value, list):
        return "list of integers" if all(isinstance(item, int) for item in value) else "list of strings"
    if isinstance(value, int):
        return "number" if name.endswith(_NUMBER_SUFFIXES) else "integer"
    return "string"


def _check_table(
    document: Document, path: tuple[str, ...], table: Mapping[str, Any], node: Node, shown: str
) -> Iterator[Problem]:
    for name, value in table.items():
        here = (*path, name)
        if name not in node.keys:
            yield document.problem(here, unknown("key", name, node.keys))
            continue
        below = node.keys[name]
        if wrong := mismatch(value, below.kind):
            yield document.problem(here, wrong)
        elif below.kind == "table":
            yield from _check_table(document, here, value, below, name)
        elif below.kind == "table of string":
            for key, text in value.items():
                if wrong := mismatch(text, "string"):
                    yield document.problem((*here, key), wrong)
    for name, below in node.keys.items():
        if below.needed and name not in table:
            what = "table" if below.kind.startswith("table") else "key"
            message = f"this {what} is needed"
            yield document.problem((*path, name), message, mend=_sample(shown, name, below))


def mismatch(value: Json, kind: str) -> str | None:
    """Say how a value differs from a kind of the schema, None when it does not."""
    fits = {
        "string": lambda: isinstance(value, str),
        "integer": lambda: _is_integer(value),
        "number": lambda: _is_integer(value) or isinstance(value, float),
        "list of strings": lambda: isinstance(value, list) and all(isinstance(item, str) for item in value),
        "list of integers": lambda: isinstance(value, list) and all(_is_integer(item) for item in value),
    }
    if fits.get(kind, lambda: isinstance(value, dict))():
        return None
    hint = f', write "{value}"' if kind == "string" and _is_number(value) else ""
    hint = f', write ["{value}"]' if kind == "list of strings" and isinstance(value, str) else hint
    wanted = "table" if kind.startswith("table") else kind
    return f"must be {_article(wanted)}, is {_named(value)}{hint}"


def _sample(table: str, name: str, node: Node) -> str:
    if node.kind.startswith("table"):
        return f"see [{name}] in gate/example.toml"
    tables = example(2)
    value: Json = (tables[table] if table else tables).get(name)
    if isinstance(value, str):
        return f'for example {name} = "{value}"'
    return f"for example {name} = {value}".replace("'", '"')


def _is_integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return _is_integer(value) or isinstance(value, float)


def _article(kind: str) -> str:
    return f"an {kind}" if kind.startswith("i") else f"a {kind}"


def _named(value: Json) -> str:
    if isinstance(value, bool):
        return f"{value}".lower()
    if isinstance(value, str):
        return f'the string "{value}"'
    if isinstance(value, list):
        return f"the list {value!r}".replace("'", '"')
    if isinstance(value, dict):
        return "a table"
    return f"{value}"
