"""[network] of readiness.toml: who may reach whom inside the system, who may get out of it, and where it may be entered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gate.model import Json
from gate.toml_error import Document, Problem, unknown

LOOPBACK = "127.0.0.1"
# Who opens connections to the database, where readiness.toml does not say it.
DATABASE_CLIENTS = ("api", "worker", "one_shot", "backup", "exporters")


@dataclass(frozen=True, slots=True)
class NetworkTable:
    """`bind`: addresses of the machine on which ports may be published; `clients`: by role, the roles that may reach it;
    `egress`: the roles that may reach the outside; `pages`: paths for those inside that everybody may see."""

    bind: tuple[str, ...] = (LOOPBACK,)
    clients: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"database": DATABASE_CLIENTS})
    egress: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()


def table(data: Mapping[str, Json], entrance: str | None) -> NetworkTable:
    """The checked table as a value; `entrance`: the role that clients connect to, the only one that may get out unless
    readiness.toml says otherwise."""
    clients = {role: tuple(roles) for role, roles in data.get("clients", {}).items()}
    return NetworkTable(
        bind=tuple(data.get("bind", (LOOPBACK,))),
        clients={"database": DATABASE_CLIENTS, **clients},
        egress=tuple(data.get("egress", (entrance,) if entrance else ())),
        pages=tuple(data.get("pages", ())),
    )


def network_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with [network] beyond names and types of its own keys: roles that are not filled."""
    data = document.data.get("network")
    if not isinstance(data, dict):
        return
    roles = document.data.get("roles") or {}
    for role in data.get("egress") or ():
        if role not in roles:
            yield document.problem(("network", "egress"), unknown("role", role, roles))
    for role, clients in (data.get("clients") or {}).items():
        path = ("network", "clients", role)
        if role not in roles:
            yield document.problem(path, unknown("role", role, roles))
        if not isinstance(clients, list) or not all(isinstance(client, str) for client in clients):
            yield document.problem(path, 'must be a list of roles, for example ["api", "worker"]')
        else:
            yield from (document.problem(path, unknown("role", c, roles)) for c in clients if c not in roles)
