"""[alerts] of readiness.toml: who is told when something is wrong, and which alert is expected for which fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gate.model import Json
from gate.toml_error import Document, Problem, unknown
from gate.toml_node import Node, check_table, texts

# Everything that somebody must be told of. A check of the name monitoring.alert-<fault> belongs to each.
FAULTS = (
    "api-down",
    "worker-down",
    "workers-hung",
    "database-down",
    "gateway-down",
    "queue-backlog",
    "job-failures",
    "api-errors",
    "api-slow",
    "disk-nearly-full",
    "connections-exhausted",
    "backup-stale",
    "backup-failing",
    "certificate-ending",
    "exporter-down",
    "log-pipeline-down",
    "restart-loop",
)


@dataclass(frozen=True, slots=True)
class AlertFault:
    """What is expected of one fault, and what the gate needs to bring it about; times in seconds.

    Without `alert` whatever is newly told counts; without `receiver` whoever is told. `after_s` may name a variable of the
    stack. What has `breaks` or `env` is brought about by these instead of by the gate itself.
    """

    alert: str = ""
    receiver: str = ""
    limit_s: float | None = None
    reason: str = ""
    role: str = ""
    user: str | None = None
    breaks: tuple[str, ...] = ()
    heals: tuple[str, ...] = ()
    condition: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    after_s: float | str = 0
    times: int = 3
    volume: str = ""
    body: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertsTable:
    """Where the Alertmanager API answers, inside the container; the variables that name its receivers; what it must do.

    `severities`: which receivers the alerts of a severity go to; `mutes`: by alert, the severities that it may hold back.
    """

    service: str
    port: int
    receivers: Mapping[str, str]
    watchdog: str | None = None
    severities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mutes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    faults: Mapping[str, AlertFault] = field(default_factory=dict)

    @property
    def own(self) -> tuple[str, ...]:
        """The faults that only this system's owner knows."""
        return tuple(fault for fault in self.faults if fault not in FAULTS)


_KEYS: Mapping[str, Node] = {
    "alert": Node("string", needed=False),
    "receiver": Node("string", needed=False),
    "limit_s": Node("number", needed=False),
    "reason": Node("string", needed=False),
    "role": Node("string", needed=False),
    "user": Node("string", needed=False),
    "break": texts(needed=False),
    "heal": texts(needed=False),
    "condition": texts(needed=False),
    "env": Node("table of strings", needed=False),
    "after_s": Node("anything", needed=False),
    "times": Node("integer", needed=False),
    "volume": Node("string", needed=False),
    "body": Node("table of anything", needed=False),
}


def table(data: Mapping[str, Json]) -> AlertsTable:
    """The checked table as a value."""
    return AlertsTable(
        service=data["service"],
        port=data["port"],
        receivers=data["receivers"],
        watchdog=data.get("watchdog"),
        severities={severity: _several(told) for severity, told in data.get("severities", {}).items()},
        mutes={alert: tuple(severities) for alert, severities in data.get("mutes", {}).items()},
        faults={name: _fault(entry) for name, entry in data.get("faults", {}).items()},
    )


def alert_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with [alerts] beyond names and types of its own keys: faults, and what refers to something else."""
    data = document.data.get("alerts")
    if not isinstance(data, dict):
        return
    receivers = data.get("receivers") or {}
    roles = document.data.get("roles") or {}
    if not receivers and "receivers" in data:
        yield document.problem(("alerts", "receivers"), "must name at least one receiver and its variable")
    for severity, told in (data.get("severities") or {}).items():
        path = ("alerts", "severities", severity)
        if not told or not isinstance(told, str | list) or not all(isinstance(text, str) for text in told):
            yield document.problem(path, 'must be a receiver, or a list of them, for example ["pager", "ticket"]')
            continue
        yield from (
            document.problem(path, unknown("receiver", receiver, receivers))
            for receiver in _several(told)
            if receiver not in receivers
        )
    for alert, severities in (data.get("mutes") or {}).items():
        if not isinstance(severities, list) or not all(isinstance(text, str) for text in severities):
            yield document.problem(("alerts", "mutes", alert), "must be a list of severities")
    for name, entry in (data.get("faults") or {}).items():
        path = ("alerts", "faults", name)
        if name not in FAULTS and not _is_own(entry):
            own = "one of the system's own needs `alert`, and `break` with `heal` or `env` with `role`"
            yield document.problem(path, f"{unknown('fault', name, FAULTS)}; {own}")
        elif not isinstance(entry, dict):
            yield document.problem(path, 'must be a table, for example { alert = "ApiDown", receiver = "pager" }')
        else:
            found = list(check_table(document, path, entry, _KEYS))
            yield from found or _fault_problems(document, path, entry, receivers, roles)


def _is_own(entry: Json) -> bool:
    return isinstance(entry, dict) and "alert" in entry and ("break" in entry or "env" in entry)


def _several(one_or_more: str | list[str]) -> tuple[str, ...]:
    return (one_or_more,) if isinstance(one_or_more, str) else tuple(one_or_more)


def _fault_problems(
    document: Document,
    path: tuple[str, ...],
    entry: Mapping[str, Json],
    receivers: Mapping[str, Json],
    roles: Mapping[str, Json],
) -> Iterator[Problem]:
    if entry.get("receiver", next(iter(receivers), None)) not in receivers:
        yield document.problem((*path, "receiver"), unknown("receiver", entry["receiver"], receivers))
    if "role" in entry and entry["role"] not in roles:
        yield document.problem((*path, "role"), unknown("role", entry["role"], roles))
    if "limit_s" in entry and not entry.get("reason", "").strip():
        yield document.problem((*path, "reason"), "a limit of its own needs a sentence that says why")
    if "break" in entry and "heal" not in entry:
        yield document.problem((*path, "heal"), "this key is needed with break: what was broken is mended again")
    if "env" in entry and "role" not in entry:
        yield document.problem((*path, "role"), "this key is needed with env: whose containers are made anew")
    after = entry.get("after_s", 0)
    if isinstance(after, bool) or not isinstance(after, int | float | str):
        yield document.problem((*path, "after_s"), "must be seconds, or the name of a variable that holds them")
    if entry.get("times", 1) < 1 or entry.get("limit_s", 1) <= 0:
        yield document.problem(path, "times and limit_s must be more than 0")


def _fault(entry: Mapping[str, Json]) -> AlertFault:
    named = {"break": "breaks", "heal": "heals"}
    values: dict[str, Json] = {
        named.get(key, key): tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    return AlertFault(**values)
