"""[configuration], [refusal], [rotation] and [capacity] of readiness.toml: settings, and what is asked of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gate.model import Json
from gate.toml_error import Document, Problem, unknown


@dataclass(frozen=True, slots=True)
class RefusalTable:
    """Which roles refuse to start with wrong settings, and the beginning of their variables' names; those that take
    nothing but a number, and those that may be left out, each with its owner's sentence."""

    roles: tuple[str, ...]
    prefix: str
    numbers: tuple[str, ...] = ()
    optional: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConfigurationTable:
    """The file that `commands.validate_configuration` judges, and the keys it must not do without; the file of each
    environment, and the differences between them that are meant; the variables that each service has its own value of; a
    change of a setting to try, KEY=VALUE, and one that must be refused."""

    file: str
    required: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    environments: Mapping[str, str] = field(default_factory=dict)
    differences: Mapping[str, str] = field(default_factory=dict)
    per_service: Mapping[str, str] = field(default_factory=dict)
    change: str | None = None
    wrong_change: str | None = None


@dataclass(frozen=True, slots=True)
class RotationTable:
    """What is rotated, by the name that commands.rotate_secret knows it by: the key that signs tokens; and passwords, each
    a secret of the compose file, with the database role that logs in with it."""

    signing_key: str | None = None
    passwords: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CapacityTable:
    """What must add up: `pool` is the variable of a process's most connections, `beside` what it opens beside them,
    `others` what everybody else needs, all in connections; memory in MiB."""

    pool: str
    machine_mib: float
    beside: int = 0
    others: int = 0
    reserve: int = 0
    releases_at_once: int = 2
    concurrency: str | None = None
    worker_mib: float = 0
    job_mib: float = 0
    system_mib: float = 0


def configuration_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with these tables beyond names and types."""
    data = document.data.get("configuration")
    data = data if isinstance(data, dict) else {}
    if len(data.get("environments") or {}) == 1:
        yield document.problem(("configuration", "environments"), "must name at least two, to be compared")
    for name in ("change", "wrong_change"):
        setting = data.get(name)
        if isinstance(setting, str) and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=.*", setting):
            yield document.problem(("configuration", name), f'must be KEY=VALUE, is "{setting}"')
        if setting is not None and ("change" in data) != ("wrong_change" in data):
            yield document.problem(("configuration", name), "change and wrong_change are needed together")
    for name in ("differences", "per_service"):
        yield from _sentences(document, ("configuration", name), data.get(name))
    yield from _refusal_problems(document, document.data.get("refusal"))
    capacity = document.data.get("capacity")
    for key, value in (capacity if isinstance(capacity, dict) else {}).items():
        least = 1 if key in ("machine_mib", "releases_at_once") else 0
        if isinstance(value, int | float) and value < least:
            yield document.problem(("capacity", key), f"must be at least {least}, is {value}")


def _refusal_problems(document: Document, data: Json) -> Iterator[Problem]:
    if not isinstance(data, dict):
        return
    roles = document.data.get("roles") or {}
    for role in data.get("roles") or []:
        if role not in roles:
            yield document.problem(("refusal", "roles"), unknown("role", role, roles))
    for key in ("roles", "prefix"):
        if key in data and not data[key]:
            yield document.problem(("refusal", key), "must not be empty")
    yield from _sentences(document, ("refusal", "optional"), data.get("optional"))


def _sentences(document: Document, path: tuple[str, ...], given: Json) -> Iterator[Problem]:
    for name, sentence in (given if isinstance(given, dict) else {}).items():
        if isinstance(sentence, str) and not sentence.strip():
            yield document.problem((*path, name), "must be a sentence that says why")
