"""[access] of readiness.toml: who may do what, and how tokens are had that the system must refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from gate.model import Json
from gate.toml_error import Document, Problem, unknown

_OPERATION = re.compile(r"(?:[A-Z]+|\*) (?:/|\*)\S*")


@dataclass(frozen=True, slots=True)
class AccessTable:
    """Where the API's description is, who may do what, and the commands that make and revoke tokens.

    An operation is a method and a path as the OpenAPI document writes it, `GET /v1/jobs/{id}`; `*` stands for anything.
    Without `roles` what the document's `security` says is expected. `readonly` are database roles that may only read.
    """

    openapi: str = ""
    openapi_command: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    port: int | None = None
    public: tuple[str, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    other_tenant: str = ""
    sign: tuple[str, ...] = ()
    revoke: tuple[str, ...] = ()
    public_key_file: str = ""
    code: tuple[str, ...] = ()
    bodies: Mapping[str, Json] = field(default_factory=dict)
    readonly: tuple[str, ...] = ()

    def is_public(self, operation: str) -> bool:
        """Whether an operation is declared to need no credentials."""
        return any(fnmatchcase(operation, pattern) for pattern in self.public)

    def allows(self, role: str, operation: str) -> bool:
        """Whether a role is declared to be allowed an operation."""
        return any(fnmatchcase(operation, pattern) for pattern in self.roles.get(role, ()))


def table(data: Mapping[str, Json]) -> AccessTable:
    """The checked table as a value."""
    values: dict[str, Json] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    values["roles"] = {role: tuple(operations) for role, operations in data.get("roles", {}).items()}
    return AccessTable(**values)


def offered(access: AccessTable | None) -> dict[str, bool]:
    """What a check may ask for in `needs`, and whether this target has it."""
    return {
        "access.openapi": access is not None and bool(access.openapi or access.openapi_command),
        "access.roles": access is not None and bool(access.roles),
        "access.other_tenant": access is not None and bool(access.other_tenant),
        "access.sign": access is not None and bool(access.sign),
        "access.revoke": access is not None and bool(access.revoke),
        "access.port": access is not None and access.port is not None,
    }


def access_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with [access] beyond names and types of its own keys."""
    data = document.data.get("access")
    if not isinstance(data, dict):
        return
    for pattern in data.get("public") or []:
        yield from _operation(document, ("access", "public"), pattern)
    for role, operations in (data.get("roles") or {}).items():
        path = ("access", "roles", role)
        if not isinstance(operations, list) or not all(isinstance(text, str) for text in operations):
            yield document.problem(path, 'must be a list of operations, for example ["GET /v1/*"]')
            continue
        for pattern in operations:
            yield from _operation(document, path, pattern)
    for operation, body in (data.get("bodies") or {}).items():
        yield from _operation(document, ("access", "bodies", operation), operation)
        if not isinstance(body, dict):
            yield document.problem(("access", "bodies", operation), "must be a table: the body of that operation")
    yield from _unfitting(document, data)


def _unfitting(document: Document, data: Mapping[str, Json]) -> Iterator[Problem]:
    """What does not fit [auth], or another key of the table."""
    auth = document.data.get("auth") or {}
    if auth.get("kind", "none") == "none" and (data.get("roles") or data.get("sign") or data.get("revoke")):
        yield document.problem(("access",), "roles, sign and revoke need credentials: describe them in [auth]")
    declared = auth.get("role")
    if data.get("roles") and declared and declared not in data["roles"]:
        yield document.problem(("access", "roles"), f"[auth] role: {unknown('role', declared, data['roles'])}")
    if data.get("other_tenant") and data["other_tenant"] == auth.get("tenant"):
        yield document.problem(("access", "other_tenant"), "must be another than [auth] tenant")
    if data.get("openapi") and data.get("port") is None:
        yield document.problem(("access", "port"), "this key is needed with openapi: where the API's containers answer")


def _operation(document: Document, path: tuple[str, ...], text: str) -> Iterator[Problem]:
    if not _OPERATION.fullmatch(text):
        yield document.problem(path, f'must be a method and a path, for example "GET /v1/jobs/{{id}}", has "{text}"')
