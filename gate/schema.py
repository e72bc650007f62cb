"""What may stand in readiness.toml, read from example.toml: keys, their types, and which of them are needed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gate.model import Json
from gate.toml_error import Document, Problem
from gate.toml_node import Node, check_table

EXAMPLE = Path(__file__).with_name("example.toml")

# Tables whose keys are the user's own; what their values must be.
OPEN = {
    "stack/env": "table of strings",
    "job/body": "table of anything",
    "job/new_body": "table of anything",
    "job/headers": "table of strings",
    "profiles/quick/env": "table of strings",
    "profiles/release/env": "table of strings",
    "profiles/soak/env": "table of strings",
    "commands_env/quick": "table of strings",
    "commands_env/release": "table of strings",
    "commands_env/soak": "table of strings",
    "logs/exempt": "table of strings",
    "metrics/signals": "table of strings",
    "metrics/unmeasured": "table of strings",
    "metrics/unscraped": "table of strings",
    "metrics/unseen": "table of strings",
    "dashboards/shows": "table of strings",
    "access/roles": "table of anything",
    "access/bodies": "table of anything",
    "alerts/receivers": "table of strings",
    "alerts/severities": "table of anything",
    "alerts/mutes": "table of anything",
    "alerts/faults": "table of anything",
    "hardening/capabilities": "table of strings",
    "hardening/devices": "table of strings",
    "hardening/host_mounts": "table of strings",
    "hardening/host_namespaces": "table of strings",
    "hardening/scratch": "table of strings",
    "hardening/setuid_files": "table of strings",
    "hardening/writable_code": "table of strings",
    "network/clients": "table of anything",
    "configuration/environments": "table of strings",
    "configuration/differences": "table of strings",
    "configuration/per_service": "table of strings",
    "documentation/subjects": "table of anything",
    "documentation/topics": "table of strings",
    "documentation/versions": "table of anything",
    "documentation/accepted": "table of strings",
    "refusal/optional": "table of strings",
    "rotation/passwords": "table of strings",
    "restore/invariants": "table of strings",
    "source/accepted": "table of strings",
    "limits": "table of anything",
    "absent": "table of strings",
}
_NUMBER_SUFFIXES = ("_s", "_ms", "_mib")
_OPTIONAL = re.compile(r'^(#{1,2})(?=["\[a-z])', re.MULTILINE)


def example(level: int) -> dict[str, Any]:
    """The example, parsed, with the marks of optional lines taken away: 0 none, 1 those with one #, 2 all."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return tomllib.loads(_OPTIONAL.sub(lambda mark: "" if len(mark[1]) <= level else mark[1], text))


@cache
def schema() -> Node:
    """The schema of readiness.toml."""
    return _table("", example(2), (example(0), example(1), example(2)), needed=True)


def check(document: Document) -> list[Problem]:
    """Everything wrong with names, types and completeness; meaning is judged by gate.target_rules."""
    return list(check_table(document, (), document.data, schema().keys))


def _table(path: str, full: Mapping[str, Json], levels: Sequence[Json | None], *, needed: bool) -> Node:
    sample = f"describe it as [{path}] in gate/example.toml does"
    if path in OPEN:
        return Node(OPEN[path], needed, sample=sample)
    # A key is needed when it stands at the first level at which its own table does.
    first = next(level for level in levels if level is not None)
    keys: dict[str, Node] = {}
    for name, value in full.items():
        below = f"{path}/{name}".lstrip("/")
        if isinstance(value, dict):
            deeper = [None if level is None else level.get(name) for level in levels]
            keys[name] = _table(below, value, deeper, needed=name in first)
        else:
            keys[name] = Node(_kind(name, value), name in first, sample=f"for example {name} = {_toml(value)}")
    return Node("table", needed, keys, sample)


def _kind(name: str, value: Json) -> str:
    if isinstance(value, list):
        return "list of integers" if all(isinstance(item, int) for item in value) else "list of strings"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "number" if name.endswith(_NUMBER_SUFFIXES) else "integer"
    return "string"


def _toml(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value}".replace("'", '"')
