"""example.toml is the schema: it must agree with the dataclasses, and nothing written in its place may crash the gate."""

from __future__ import annotations

import copy
import dataclasses
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gate import target as targets
from gate.schema import OPEN, example, schema
from gate.target import TargetError, load
from gate.target_rules import CHOICES, FILES, MAY_BE_EMPTY, NEEDED_PLACEHOLDERS, PLACEHOLDERS, POINTERS, URL_PATHS
from gate.toml_error import Problem
from gate.toml_node import Node
from tests.gate.toml_files import written

TABLES = {
    "stack": targets.StackTable,
    "api": targets.ApiTable,
    "auth": targets.AuthTable,
    "job": targets.JobTable,
    "database": targets.DatabaseTable,
    "configuration": targets.ConfigurationTable,
}
ODD = [
    "0",
    "-1",
    "1.5",
    "true",
    '""',
    '"x"',
    '"{nope}"',
    "[]",
    '["x"]',
    "[1]",
    "[[]]",
    "[{}]",
    "{}",
    "{ a = 1 }",
    "1979-05-27",
]


def paths(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, below in node.keys.items():
        yield (*path, name)
        yield from paths(below, (*path, name))


@pytest.mark.parametrize("table", TABLES)
def test_every_key_of_a_table_has_its_field_and_the_needed_ones_no_default(table):
    fields = {field.name: field for field in dataclasses.fields(TABLES[table])}
    keys = schema().keys[table].keys
    assert set(fields) == set(keys)
    for name, node in keys.items():
        missing = dataclasses.MISSING
        has_default = fields[name].default is not missing or fields[name].default_factory is not missing
        assert not (node.needed and has_default and table != "auth"), f"{table}/{name} is needed, yet has a default"
        assert node.needed or has_default, f"{table}/{name} may be left out, yet has no default"


@pytest.mark.parametrize("table", TABLES)
def test_the_defaults_in_the_example_are_those_of_the_code(table):
    for field in dataclasses.fields(TABLES[table]):
        if isinstance(field.default, int | float):
            assert example(2)[table][field.name] == field.default


def test_the_rules_speak_of_keys_that_exist():
    known = set(paths(schema()))
    ruled = {*CHOICES, *PLACEHOLDERS, *NEEDED_PLACEHOLDERS, *URL_PATHS, *POINTERS, *FILES, *MAY_BE_EMPTY}
    assert ruled <= known
    assert {tuple(path.split("/")) for path in OPEN} <= known


def test_every_command_says_which_placeholders_it_knows():
    assert {path[1] for path in PLACEHOLDERS if path[0] == "commands"} == set(schema().keys["commands"].keys)


def test_every_line_of_the_example_that_is_not_prose_is_a_key():
    lines = Path(__file__).parents[2].joinpath("gate/example.toml").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        bare = line.lstrip("#")
        if line.startswith("#") and not line.startswith("# "):
            tomllib.loads(bare)
            assert len(line) - len(bare) <= 2, f"line {number} has more marks than there are levels"


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD)
def test_whatever_stands_in_the_place_of_a_value_it_is_accepted_or_refused_in_words(tmp_path, odd):
    """Each value in the whole of its table, and the tables that every document has: what others there are does not matter."""
    value = tomllib.loads(f"x = {odd}")["x"]
    whole, least = example(2), example(0)
    for path in [*paths(schema()), ("limits", "rollback.time_s"), ("absent", "load.*"), ("job", "body", "title")]:
        data = {**least, path[0]: copy.deepcopy(whole[path[0]])}
        inner: Any = data
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = value
        problems = problems_of(written(tmp_path, toml(data)))
        assert all(problem.message and problem.path for problem in problems)


def problems_of(path: Path) -> tuple[Problem, ...]:
    try:
        json.dumps(load(path).job.body, allow_nan=False)
    except TargetError as error:
        return error.problems
    return ()


def toml(data: dict[str, Any]) -> str:
    return "\n".join(f"{key} = {shown(value)}" for key, value in data.items())


def shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {shown(inner)}' for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(shown(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else str(value)
