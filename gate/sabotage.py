"""Sabotage read from TOML files: defects put into a system on purpose. Reads and checks them; fixtures put them in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gate.model import Json, Sabotage
from gate.schema import schema
from gate.target import ROLES, Target
from gate.toml_error import Document, Problem, TomlError, read, unknown
from gate.toml_lines import Path as KeyPath
from gate.toml_node import Node, check_table, tables, text, texts

DEFECTS = ("replace", "compose", "exec", "fault", "command", "advisories", "generator")
SPOILT = ("old", "few")
STARVED = ("starved",)
FAULTS = ("stopped", "killed", "paused", "partitioned", "slowed", "disk_full", "clock_skewed")
_KEYS = {
    "id": text(),
    "title": text(),
    "expects": texts(),
    "system": text(needed=False),
    "profile": text(needed=False),
    "says": text(needed=False),
    "advisories": text(needed=False),
    "generator": text(needed=False),
    "replace": tables({"file": text(), "find": text(needed=False), "pattern": text(needed=False), "with": text()}),
    "compose": Node("table of anything", needed=False),
    "exec": tables(
        {
            "role": text(needed=False),
            "command": texts(),
            "user": text(needed=False),
            "detach": Node("boolean", needed=False),
        }
    ),
    "fault": tables({"kind": text(), "role": text()}),
    "command": tables({"name": text(), "argv": texts()}),
}
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CHECK = re.compile(rf"[a-z]+\.{_ID.pattern}")
_BRACES = re.compile(r"\{([^{}]*)\}")
_ROLE = re.compile(rf"(?<!\$)\{{({'|'.join(ROLES)})\}}")


class SabotageError(TomlError):
    """A sabotage cannot be used, or does not fit the target. Exit status 2."""


def load(path: Path) -> Sabotage:
    """Read one sabotage; raises SabotageError with everything that is wrong in it."""
    document = read(path, SabotageError, missing="readygate prove --catalogue DIR, with a folder of TOML files")
    problems = list(check_table(document, (), document.data, _KEYS)) or list(_violations(document))
    if problems:
        raise SabotageError(problems)
    data = document.data
    return Sabotage(
        id=data["id"],
        title=data["title"],
        expects=tuple(data["expects"]),
        system=data.get("system"),
        profile=data.get("profile"),
        says=data.get("says", ""),
        advisories=data.get("advisories", ""),
        generator=data.get("generator", ""),
        replace=tuple(data.get("replace", ())),
        compose=data.get("compose", {}),
        exec=tuple(data.get("exec", ())),
        fault=tuple(data.get("fault", ())),
        command=tuple(data.get("command", ())),
    )


def load_catalogue(folder: Path) -> tuple[Sabotage, ...]:
    """Read every *.toml of a folder; raises SabotageError with the problems of all files, or when there is none."""
    found: dict[str, tuple[Path, Sabotage]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            sabotage = load(path)
        except SabotageError as error:
            problems += error.problems
            continue
        first, _ = found.setdefault(sabotage.id, (path, sabotage))
        if first != path:
            problems.append(Problem(str(path), f'"{sabotage.id}" is the id of {first.name} already', "id"))
    if problems:
        raise SabotageError(problems)
    if not found:
        raise SabotageError([Problem(str(folder), "holds no sabotage: there is no *.toml file in it")])
    return tuple(sabotage for _, sabotage in found.values())


def expand_roles(compose: Mapping[str, Json], target: Target) -> dict[str, Json]:
    """Put services in the place of roles: a key or list item `{worker}` becomes one for each service of the role.

    Elsewhere the role must have exactly one service. Other words in braces are left to who uses them, but as a key they
    are an error. Raises SabotageError on that, and on a role that is not filled.
    """
    expanded = _expand(compose, target)
    return dict(expanded)


def _expand(value: Json, target: Target) -> Json:
    if isinstance(value, Mapping):
        entries: dict[str, Json] = {}
        for key, inner in value.items():
            if (role := _BRACES.fullmatch(key)) and role[1] not in ROLES:
                raise _refused(target, f"{key}: {unknown('role', role[1], ROLES)}")
            for name in _names(key, target):
                if name in entries:
                    raise _refused(target, f'"{name}" is named twice, by itself and by a role')
                entries[name] = _expand(inner, target)
        return entries
    if isinstance(value, list):
        return [
            item
            for each in value
            for item in (_names(each, target) if isinstance(each, str) else [_expand(each, target)])
        ]
    if isinstance(value, str):
        names = _names(value, target)
        if len(names) != 1:
            raise _refused(target, f'"{value}" can only be one service here, and the role has {len(names)}')
        return names[0]
    return value


def _names(shown: str, target: Target) -> list[str]:
    """What a text with roles in it stands for: several only when it is a role and nothing else."""
    whole = _ROLE.fullmatch(shown)
    if whole:
        return list(_services(whole[1], target))
    for role in _ROLE.findall(shown):
        services = _services(role, target)
        if len(services) != 1:
            raise _refused(target, f'"{shown}" can only be one service here, and the role {role} has {len(services)}')
        shown = shown.replace(f"{{{role}}}", services[0])
    return [shown]


def _services(role: str, target: Target) -> tuple[str, ...]:
    if not target.services(role):
        raise _refused(target, f"{{{role}}}: the role is not filled, so nothing would be sabotaged")
    return target.services(role)


def _refused(target: Target, message: str) -> SabotageError:
    return SabotageError([Problem(str(target.file), message, "sabotage/compose")])


def _violations(document: Document) -> Iterator[Problem]:
    data = document.data
    if not _ID.fullmatch(data["id"]):
        yield document.problem(("id",), f'must be words of a-z 0-9 joined by -, is "{data["id"]}"')
    if not data["title"].strip():
        yield document.problem(("title",), "must not be empty")
    if not data["expects"]:
        yield document.problem(("expects",), "must name at least one check that catches it")
    for check in data["expects"]:
        if not _CHECK.fullmatch(check):
            yield document.problem(("expects",), f'must be ids of checks, has "{check}"')
    if not any(data.get(kind) for kind in DEFECTS):
        yield document.problem((), f"puts in no defect: it needs at least one of {', '.join(DEFECTS)}")
    if data.get("advisories", SPOILT[0]) not in SPOILT:
        yield document.problem(("advisories",), unknown("way to spoil them", data["advisories"], SPOILT))
    if data.get("generator", STARVED[0]) not in STARVED:
        yield document.problem(("generator",), unknown("way to spoil it", data["generator"], STARVED))
    if data.get("generator") and not data.get("says"):
        yield document.problem(("generator",), "needs `says`: much is unverified for other reasons")
    yield from _defects(document)


def _defects(document: Document) -> Iterator[Problem]:
    for index, edit in enumerate(document.data.get("replace", ())):
        if ("find" in edit) == ("pattern" in edit):
            yield document.problem(("replace", index), "must have either find or pattern")
        try:
            re.compile(edit.get("pattern", ""))
        except re.error as error:
            yield document.problem(("replace", index, "pattern"), f"is no regular expression: {error}")
    texts_of = {"replace": ("find", "pattern"), "exec": ("command",), "command": ("argv",)}
    for path, value in _entries(document, texts_of):
        if not value:
            yield document.problem(path, "must not be empty")
    for index, edit in enumerate(document.data.get("replace", ())):
        if edit.get("find") == edit["with"]:
            yield document.problem(("replace", index, "with"), "is the same as find, so nothing would change")
    known = {"role": ROLES, "kind": FAULTS, "name": tuple(schema().keys["commands"].keys)}
    for path, value in _entries(document, {"exec": ("role",), "fault": ("role", "kind"), "command": ("name",)}):
        names = known[str(path[-1])]
        if value not in names:
            yield document.problem(path, f'"{value}": {unknown(str(path[-1]), value, names)}')


def _entries(document: Document, wanted: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[KeyPath, Json]]:
    for kind, keys in wanted.items():
        for index, entry in enumerate(document.data.get(kind, ())):
            yield from (((kind, index, key), entry[key]) for key in keys if key in entry)
