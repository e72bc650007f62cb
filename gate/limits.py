"""The numbers that decide: defaults from example.toml, and what a target sets instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from math import isfinite

from gate.model import Json, Limit
from gate.profiles import pace
from gate.schema import example
from gate.toml_error import Document, Problem, unknown

_BY_PROFILE = ("quick", "release", "soak")
_KEYS = ("value", "reason", "unit", "direction", *_BY_PROFILE)


@cache
def default_limits(profile: str | None = None) -> Mapping[str, Limit]:
    """Every limit there is, by name, with the value that holds in a run of `profile` unless a target sets another."""
    return {
        name: Limit(name, _value(table, profile), table["unit"], table["reason"], table["direction"])
        for name, table in example(2)["limits"].items()
    }


def limits(document: Document, profile: str | None = None) -> dict[str, Limit]:
    """The limits that a checked target sets itself; unit and direction are always those of the default."""
    return dict(_own(name, setting, profile) for name, setting in document.data.get("limits", {}).items())


def _value(table: Mapping[str, Json], profile: str | None) -> float:
    found: float = table.get(pace(profile), table["value"])
    return found


def limit_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with the limits of a target: unknown names, no number, another unit, an empty reason."""
    for name, setting in document.data.get("limits", {}).items():
        path = ("limits", name)
        if name not in default_limits():
            yield document.problem(path, unknown("limit", name, default_limits()))
        elif not isinstance(setting, dict):
            if wrong := _not_a_limit(setting):
                yield document.problem(path, wrong)
        else:
            yield from _table_problems(document, path, setting, default_limits()[name])


def _table_problems(
    document: Document, path: tuple[str, str], setting: Mapping[str, Json], default: Limit
) -> Iterator[Problem]:
    for key in setting:
        if key not in _KEYS:
            yield document.problem((*path, key), unknown("key", key, _KEYS))
    for key in ("value", *(key for key in _BY_PROFILE if key in setting)):
        if wrong := _not_a_limit(setting.get(key)):
            yield document.problem((*path, key), wrong)
    reason = setting.get("reason", default.reason)
    if not isinstance(reason, str) or not reason.strip():
        yield document.problem((*path, "reason"), "must be a sentence that says why")
    for key in ("unit", "direction"):
        fixed = getattr(default, key)
        if setting.get(key, fixed) != fixed:
            yield document.problem((*path, key), f'is always "{fixed}" for this limit')


def _own(name: str, setting: Json, profile: str | None) -> tuple[str, Limit]:
    default = default_limits(profile)[name]
    table = setting if isinstance(setting, dict) else {"value": setting}
    value = _value(table, profile)
    if value == default.value and "reason" not in table:
        return name, default
    reason = table.get(
        "reason", f"Set in readiness.toml without a reason; the default is {default.value:g} {default.unit}."
    )
    return name, Limit(name, value, default.unit, reason, default.direction)


def _not_a_limit(value: Json) -> str | None:
    if value is None:
        return "this key is needed: the number to keep"
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return f"must be a number, or {{ value = number, reason = sentence }}, is {value!r}"
    return "must not be negative" if value < 0 else None
