"""What a TOML table may hold: the names of its keys, their types, which are needed. Judges no meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gate.model import Json
from gate.toml_error import Document, Problem, unknown
from gate.toml_lines import Path


@dataclass(frozen=True, slots=True)
class Node:
    """One key: what its value must be and, for a table, its keys. `needed`: its table is not complete without it."""

    kind: str
    needed: bool
    keys: Mapping[str, Node] = field(default_factory=dict)
    sample: str = ""


def text(*, needed: bool = True) -> Node:
    return Node("string", needed)


def texts(*, needed: bool = True) -> Node:
    return Node("list of strings", needed)


def tables(keys: Mapping[str, Node]) -> Node:
    return Node("list of tables", needed=False, keys=keys)


def check_table(
    document: Document, path: Path, table: Mapping[str, Json], keys: Mapping[str, Node]
) -> Iterator[Problem]:
    """Everything wrong with the names and types in a table, and what it lacks."""
    for name, value in table.items():
        if name not in keys:
            yield document.problem((*path, name), unknown("key", name, keys))
        elif wrong := mismatch(value, keys[name].kind):
            yield document.problem((*path, name), wrong)
        else:
            yield from _check_inside(document, (*path, name), value, keys[name])
    for name, node in keys.items():
        if node.needed and name not in table:
            what = "table" if node.kind.startswith("table") else "key"
            yield document.problem((*path, name), f"this {what} is needed", node.sample)


def sound(table: Mapping[str, Json], keys: Mapping[str, Node]) -> dict[str, Json]:
    """The part of a table that is known and of the right type, so that rules about meaning need not ask again."""
    kept = {name: value for name, value in table.items() if name in keys and not mismatch(value, keys[name].kind)}
    for name, value in kept.items():
        if keys[name].kind == "table":
            kept[name] = sound(value, keys[name].keys)
        elif keys[name].kind == "table of strings":
            kept[name] = {key: inner for key, inner in value.items() if isinstance(inner, str)}
    return kept


def mismatch(value: Json, kind: str) -> str | None:
    """Say how a value differs from a kind, None when it does not."""
    fits = _KINDS.get(kind, _is_table)
    if fits(value):
        return None
    hint = ""
    if kind == "string" and _is_number(value):
        hint = f', write "{value}"'
    elif kind == "list of strings" and isinstance(value, str):
        hint = f', write ["{value}"]'
    wanted = "table" if kind.startswith("table") else kind
    article = "an" if wanted.startswith("i") else "a"
    return f"must be {article} {wanted}, is {_named(value)}{hint}"


def _check_inside(document: Document, path: Path, value: Json, node: Node) -> Iterator[Problem]:
    if node.kind == "table":
        yield from check_table(document, path, value, node.keys)
    elif node.kind == "list of tables":
        for index, table in enumerate(value):
            yield from check_table(document, (*path, index), table, node.keys)
    elif node.kind == "table of strings":
        for key, inner in value.items():
            if wrong := mismatch(inner, "string"):
                yield document.problem((*path, key), wrong)


def _is_boolean(value: Json) -> bool:
    return isinstance(value, bool)


def _is_integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return _is_integer(value) or isinstance(value, float)


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_table(value: Json) -> bool:
    return isinstance(value, dict)


def _list_of(fits: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, list) and all(fits(item) for item in value)


def _named(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'the string "{value}"'
    if isinstance(value, list):
        return f"the list {value!r}".replace("'", '"')
    return "a table" if isinstance(value, dict) else str(value)


_KINDS: dict[str, Callable[[Json], bool]] = {
    "string": _is_text,
    "boolean": _is_boolean,
    "integer": _is_integer,
    "number": _is_number,
    "list of strings": _list_of(_is_text),
    "list of integers": _list_of(_is_integer),
    "list of tables": _list_of(_is_table),
    "anything": lambda _: True,
}
