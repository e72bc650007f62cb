"""What readiness.toml must mean: rules across its keys, beyond names and types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import isfinite
from pathlib import PurePosixPath

from gate.access import access_problems
from gate.alerts import alert_problems
from gate.backup import backup_problems
from gate.configuration import configuration_problems
from gate.documentation import documentation_problems
from gate.hardening import hardening_problems
from gate.kept_settings import kept_problems
from gate.limits import limit_problems
from gate.model import Json
from gate.network import network_problems
from gate.restore import restore_problems
from gate.schema import schema
from gate.source import source_problems
from gate.toml_error import Document, Problem, unknown
from gate.toml_lines import Path
from gate.toml_node import sound

CHOICES: dict[Path, tuple[Json, ...]] = {
    ("schema",): (1,),
    ("stack", "mode"): ("own",),
    ("api", "scheme"): ("http", "https"),
    ("auth", "kind"): ("none", "bearer"),
    ("job", "submit_method"): ("POST", "PUT"),
    ("load", "cancel_method"): ("POST", "PUT", "DELETE", "PATCH"),
}
PLACEHOLDERS: dict[Path, tuple[str, ...]] = {
    ("auth", "token_command"): ("tenant", "role"),
    ("job", "body"): ("key", "text"),
    ("job", "new_body"): ("key", "text"),
    ("job", "headers"): ("key",),
    ("job", "status_path"): ("id",),
    ("commands", "build"): ("release",),
    ("commands", "deploy"): ("release",),
    ("commands", "deploy_dry_run"): ("release",),
    ("commands", "rollback"): (),
    ("commands", "rollback_to"): ("release",),
    ("commands", "audit_log"): (),
    ("commands", "acceptance"): ("release",),
    ("commands", "validate_configuration"): ("file",),
    ("commands", "validate_environment"): ("environment", "file"),
    ("commands", "change_configuration"): ("setting",),
    ("commands", "change_configuration_dry_run"): ("setting",),
    ("commands", "rotate_secret"): ("secret",),
    ("commands", "retire_secret"): ("secret",),
    ("commands", "error_bursts"): (),
    ("commands", "backup"): (),
    ("commands", "list_backups"): ("repository",),
    ("commands", "verify_backups"): ("repository",),
    ("commands", "expire_backups"): ("keep", "repository"),
    ("commands", "expire_backups_by_age"): ("seconds", "repository"),
    ("commands", "export"): ("folder",),
    ("commands", "restore"): (),
    ("commands", "restore_to"): ("time",),
    ("logs", "read"): ("since", "until"),
    ("load", "result_path"): ("id",),
    ("load", "cancel_path"): ("id",),
    ("commands", "test_rules"): ("file",),
    ("access", "sign"): ("tenant", "role", "claims"),
    ("access", "revoke"): ("tenant", "subject", "token_id"),
}
NEEDED_PLACEHOLDERS: dict[Path, str] = {
    ("job", "status_path"): "id",
    ("load", "result_path"): "id",
    ("load", "cancel_path"): "id",
    ("commands", "build"): "release",
    ("commands", "deploy"): "release",
    ("commands", "deploy_dry_run"): "release",
    ("commands", "rollback_to"): "release",
    ("commands", "acceptance"): "release",
    ("commands", "validate_configuration"): "file",
    ("commands", "validate_environment"): "file",
    ("commands", "change_configuration"): "setting",
    ("commands", "change_configuration_dry_run"): "setting",
    ("commands", "rotate_secret"): "secret",
    ("commands", "retire_secret"): "secret",
    ("commands", "restore_to"): "time",
    ("commands", "test_rules"): "file",
    ("commands", "list_backups"): "repository",
    ("commands", "verify_backups"): "repository",
    ("commands", "expire_backups"): "repository",
    ("commands", "expire_backups_by_age"): "repository",
    ("commands", "export"): "folder",
    ("access", "sign"): "claims",
}
URL_PATHS: tuple[Path, ...] = (
    ("api", "live"),
    ("api", "ready"),
    ("api", "version"),
    ("job", "submit_path"),
    ("job", "status_path"),
    ("load", "list_path"),
    ("load", "result_path"),
    ("load", "cancel_path"),
    ("access", "openapi"),
)
POINTERS: tuple[Path, ...] = (
    ("api", "version_pointer"),
    ("job", "id_pointer"),
    ("job", "state_pointer"),
    ("job", "stage_pointer"),
    ("job", "attempts_pointer"),
    ("logs", "timestamp"),
    ("logs", "level"),
    ("logs", "service_pointer"),
    ("logs", "release"),
    ("logs", "request_id"),
    ("logs", "job_id"),
)
FILES: tuple[Path, ...] = (
    ("stack", "compose"),
    ("stack", "env_file"),
    ("api", "ca_file"),
    ("configuration", "file"),
    ("metrics", "rules"),
    ("metrics", "rule_tests"),
    ("dashboards", "files"),
    ("dashboards", "datasources"),
    ("access", "public_key_file"),
    ("access", "code"),
    ("database", "other_certificate_file"),
    ("restore", "runbook"),
)
MAY_BE_EMPTY: tuple[Path, ...] = (
    ("stack", "prepare"),
    ("job", "failed"),
    ("job", "cancelled"),
    ("job", "running"),
    ("published", "ports"),
    ("network", "bind"),
    ("network", "egress"),
    ("network", "pages"),
    ("configuration", "required"),
)
SIGNALS = (
    "api_latency",
    "api_traffic",
    "api_errors",
    "api_saturation",
    "jobs_depth",
    "jobs_oldest_age",
    "jobs_duration",
    "jobs_done",
    "jobs_failures",
    "jobs_stalled",
    "database_connections",
    "database_locks",
    "database_size",
    "database_wal_archiving",
    "backup_age",
    "backup_verified_age",
    "certificate_expiry",
)
SHOWN_FAULTS = ("stopped", "paused", "killed")
SHOWN_CHANGES = ("rises", "falls", "blank")
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
STATES = ("pending", "succeeded", "failed", "cancelled")


def violations(document: Document) -> list[Problem]:
    """Every broken rule; keys of the wrong type are passed over, gate.schema reports those."""
    typed = replace(document, data=sound(document.data, schema().keys))
    return [problem for rule in RULES for problem in rule(typed)]


def _get(document: Document, path: Path) -> Json:
    """The value at a path, None when it is absent."""
    value: Json = document.data
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _not_json(value: Json) -> Iterator[Json]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _not_json(inner)
    elif not isinstance(value, str | int | float | None) or (isinstance(value, float) and not isfinite(value)):
        yield value


def _choices(document: Document) -> Iterator[Problem]:
    for path, allowed in CHOICES.items():
        value = _get(document, path)
        if value is not None and value not in allowed:
            yield document.problem(path, f"must be {_either(allowed)}, is {_quoted(value)}")


def _empties(document: Document) -> Iterator[Problem]:
    """Empty texts and lists say nothing; who has nothing to say leaves the key out."""
    tables = {name: table for name, table in document.data.items() if isinstance(table, dict)}
    for table, keys in tables.items():
        for key, value in keys.items():
            path = (table, key)
            texts = value if isinstance(value, list) else [value]
            empty = (value == [] and path not in MAY_BE_EMPTY) or any(
                isinstance(text, str) and not text.strip() for text in texts
            )
            if empty:
                what = "must be the owner's sentence" if table == "absent" else "must not be empty"
                yield document.problem(path, what)


def _placeholders(document: Document) -> Iterator[Problem]:
    for path, known in PLACEHOLDERS.items():
        used = {name for text in _texts(_get(document, path)) for name in re.findall(r"\{([a-z_]+)\}", text)}
        for name in sorted(used - set(known)):
            shown = "{" + name + "}: " + unknown("placeholder", name, known)
            yield document.problem(path, shown)
        needed = NEEDED_PLACEHOLDERS.get(path)
        if needed and needed not in used and _get(document, path):
            yield document.problem(path, f"must contain {{{needed}}}")


def _shapes(document: Document) -> Iterator[Problem]:
    for path in URL_PATHS + POINTERS:
        value = _get(document, path)
        if value and not value.startswith("/"):
            what = "a JSON pointer" if path in POINTERS else "a path"
            yield document.problem(path, f'must be {what} that begins with /, is "{value}"')
    for body in ("body", "new_body"):
        if odd := next(_not_json(_get(document, ("job", body))), None):
            yield document.problem(("job", body), f"must hold only what JSON can, has {odd}")
    name = _get(document, ("target", "name"))
    if name and not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,30}", name):
        yield document.problem(("target", "name"), f'must be at most 31 of a-z 0-9 _ -, is "{name}"')
    for path in FILES:
        for file in _texts(_get(document, path)):
            if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
                yield document.problem(path, f'must be a path inside the folder of this file, is "{file}"')


def _numbers(document: Document) -> Iterator[Problem]:
    for path in (("api", "port"), ("metrics", "port"), ("dashboards", "port"), ("alerts", "port"), ("access", "port")):
        port = _get(document, path)
        if port is not None and not 1 <= port <= 65535:
            yield document.problem(path, f"must be from 1 to 65535, is {port}")
    for path in (("stack", "start_timeout_s"), ("job", "timeout_s")):
        seconds = _get(document, path)
        if seconds is not None and seconds <= 0:
            yield document.problem(path, f"must be more than 0 seconds, is {seconds}")
    for status in _get(document, ("job", "accepted")) or []:
        if not 200 <= status <= 299:
            yield document.problem(("job", "accepted"), f"must be status codes from 200 to 299, has {status}")


def _roles(document: Document) -> Iterator[Problem]:
    roles = _get(document, ("roles",)) or {}
    owner: dict[str, str] = {}
    for role, services in roles.items():
        for service in services:
            if service in owner:
                message = f'"{service}" has the role {owner[service]} already; a service has exactly one'
                yield document.problem(("roles", role), message)
            owner.setdefault(service, role)
    for path in tuple((table, "service") for table in ("api", "metrics", "dashboards", "logs", "alerts")):
        entry = _get(document, path)
        if entry and owner and entry not in owner:
            yield document.problem(path, f'"{entry}" has no role: {unknown("service", entry, owner)}')
    for port in _get(document, ("published", "ports")) or []:
        service, _, number = port.rpartition(":")
        if not service or not number.isdigit():
            yield document.problem(("published", "ports"), f'must be service:port, has "{port}"')
        elif owner and service not in owner:
            message = f'"{service}" has no role: {unknown("service", service, owner)}'
            yield document.problem(("published", "ports"), message)


def _hops(document: Document) -> Iterator[Problem]:
    roles = _get(document, ("roles",)) or {}
    for hop in _get(document, ("logs", "hops")) or []:
        if hop not in roles:
            yield document.problem(
                ("logs", "hops"), f'"{hop}" is no role that is filled: {unknown("role", hop, roles)}'
            )


def _auth(document: Document) -> Iterator[Problem]:
    if _get(document, ("auth", "kind")) == "bearer" and not _get(document, ("auth", "token_command")):
        yield document.problem(("auth", "token_command"), 'this key is needed with kind = "bearer"')
    used = set(_texts(_get(document, ("auth", "token_command"))))
    for key in ("tenant", "role"):
        if any(f"{{{key}}}" in text for text in used) and not _get(document, ("auth", key)):
            yield document.problem(("auth", key), f"this key is needed: token_command uses {{{key}}}")
    if _get(document, ("api", "version")) and not _get(document, ("api", "version_pointer")):
        yield document.problem(("api", "version_pointer"), "this key is needed with version")


def _states(document: Document) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name in STATES:
        for state in _get(document, ("job", name)) or []:
            if state in seen:
                yield document.problem(("job", name), f'"{state}" is in {seen[state]} already; a state is in one list')
            seen.setdefault(state, name)
    pending = _get(document, ("job", "pending")) or []
    for state in _get(document, ("job", "running")) or []:
        if state not in pending:
            yield document.problem(("job", "running"), f'"{state}" must be one of pending: {", ".join(pending)}')
    for needed in ("stage_pointer", "running"):
        if _get(document, ("job", "stages")) and not _get(document, ("job", needed)):
            yield document.problem(("job", needed), "this key is needed with stages")
    told_apart = _texts([_get(document, ("job", "body")), _get(document, ("job", "headers"))])
    if _get(document, ("job", "body")) and not any("{key}" in text for text in told_apart):
        yield document.problem(("job", "body"), "must contain {key}, or headers must: jobs are told apart by it")


def _monitoring(document: Document) -> Iterator[Problem]:
    signals = _get(document, ("metrics", "signals")) or {}
    unmeasured = _get(document, ("metrics", "unmeasured")) or {}
    for table, names in (("signals", signals), ("unmeasured", unmeasured)):
        for name in names:
            if name not in SIGNALS:
                yield document.problem(("metrics", table, name), unknown("signal", name, SIGNALS))
    for name in signals.keys() & unmeasured.keys():
        yield document.problem(("metrics", "unmeasured", name), "is measured: it stands in [metrics.signals] too")
    owner = {service for services in (_get(document, ("roles",)) or {}).values() for service in services}
    for service in _get(document, ("metrics", "unscraped")) or {}:
        if service not in owner:
            message = f'"{service}" has no role: {unknown("service", service, owner)}'
            yield document.problem(("metrics", "unscraped", service), message)
    for table in ("signals", "unmeasured", "unscraped", "unseen"):
        for name, sentence in (_get(document, ("metrics", table)) or {}).items():
            if not sentence.strip():
                yield document.problem(("metrics", table, name), "must not be empty")
    yield from _shown(document)


def _shown(document: Document) -> Iterator[Problem]:
    roles = _get(document, ("roles",)) or {}
    for panel, claim in (_get(document, ("dashboards", "shows")) or {}).items():
        words = claim.split()
        if len(words) != 3 or words[0] not in SHOWN_FAULTS or words[2] not in SHOWN_CHANGES:
            shape = f"{' | '.join(SHOWN_FAULTS)}, a role, {' | '.join(SHOWN_CHANGES)}"
            yield document.problem(("dashboards", "shows", panel), f'must be {shape}, is "{claim}"')
        elif words[1] not in roles:
            yield document.problem(("dashboards", "shows", panel), unknown("role", words[1], roles))
        if "/" not in panel:
            yield document.problem(("dashboards", "shows", panel), "must be the dashboard's uid/the panel's title")


def _release_variable(document: Document) -> Iterator[Problem]:
    variable = _get(document, ("stack", "release_variable"))
    if variable and not re.fullmatch(_VARIABLE, variable):
        yield document.problem(("stack", "release_variable"), f'must be the name of a variable, is "{variable}"')
    if variable and not _get(document, ("releases", "previous")):
        yield document.problem(("releases", "previous"), "this key is needed with [stack] release_variable")
    several = _get(document, ("stack", "release_variables")) or ()
    for name in several:
        if not re.fullmatch(_VARIABLE, name):
            yield document.problem(("stack", "release_variables"), f'must be names of variables, "{name}" is none')
    for release in ("candidate", "previous"):
        if several and not _get(document, ("releases", release)):
            yield document.problem(("releases", release), "this key is needed with [stack] release_variables")


def _variables(document: Document) -> Iterator[Problem]:
    """Names of variables: anything else would be another line of an environment file, or no process would start."""
    tables = (("stack", "env"), *(("profiles", name, "env") for name in _get(document, ("profiles",)) or {}))
    tables += tuple(("commands_env", name) for name in _get(document, ("commands_env",)) or {})
    named = [((*path, name), name) for path in tables for name in _get(document, path) or {}]
    named += [(("stack", "pass_env"), name) for name in _get(document, ("stack", "pass_env")) or []]
    if (prefix := _get(document, ("stack", "image_prefix_variable"))) is not None:
        named.append((("stack", "image_prefix_variable"), prefix))
    for path, name in named:
        if not re.fullmatch(_VARIABLE, name):
            yield document.problem(path, f'must be the name of a variable, is "{name}"')


def _absences(document: Document) -> Iterator[Problem]:
    for glob in _get(document, ("absent",)) or {}:
        area, _, rest = glob.partition(".")
        if not rest or not re.fullmatch(r"[a-z]+", area):
            message = "must be the id of a check or a pattern within one area, such as recovery.backup-*"
            yield document.problem(("absent", glob), message)


def _either(allowed: tuple[Json, ...]) -> str:
    return " or ".join(_quoted(value) for value in allowed)


def _quoted(value: Json) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _choices,
    _empties,
    _placeholders,
    _shapes,
    _numbers,
    _roles,
    _hops,
    _auth,
    _states,
    _release_variable,
    _variables,
    _monitoring,
    _absences,
    limit_problems,
    alert_problems,
    hardening_problems,
    network_problems,
    restore_problems,
    configuration_problems,
    documentation_problems,
    access_problems,
    source_problems,
    backup_problems,
    kept_problems,
)
