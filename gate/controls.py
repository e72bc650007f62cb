"""The catalogue of security controls, read from controls.toml, each with the checks that name it in `standards=`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from gate.model import Check, Control, Reference, Standard

FILE = Path(__file__).with_name("controls.toml")
ID = re.compile(r"C\d{2}")  # of a control, as a check names it


@cache
def standards() -> tuple[Standard, ...]:
    """Every standard that a control refers to, in the order in which they are shown."""
    return tuple(Standard(each["name"], each["title"], each.get("total")) for each in _read()["standards"].values())


def controls(checks: Iterable[Check]) -> tuple[Control, ...]:
    """Every control with the ids of those of the checks that name it."""
    named = [(check.id, set(check.standards)) for check in checks]
    data = _read()
    return tuple(
        Control(
            id=each["id"],
            title=each["title"],
            family=data["families"][each["family"]],
            references=tuple(_references(each, data["standards"])),
            checks=tuple(check for check, names in named if each["id"] in names),
        )
        for each in data["control"]
    )


def verifying(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Those of the checks that verify a control."""
    return tuple(check for check in checks if any(ID.fullmatch(name) for name in check.standards))


def _references(control: dict[str, Any], known: dict[str, Any]) -> Iterable[Reference]:
    for key, standard in known.items():
        for number in control.get(key, ()):
            yield Reference(standard["name"], standard.get("number", "{}").format(number))


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
