"""The system that is judged, as its readiness.toml describes it. Reads that file and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from gate import access, alerts, backup, builtin, documentation, hardening, kernel, network
from gate.access import AccessTable
from gate.alerts import AlertsTable
from gate.backup import BackupTable
from gate.configuration import CapacityTable, ConfigurationTable, RefusalTable, RotationTable
from gate.documentation import DocumentationTable
from gate.hardening import HardeningTable
from gate.limits import default_limits, limits
from gate.load import LoadTable
from gate.model import Json, Limit
from gate.network import NetworkTable
from gate.profiles import PROFILES, pace
from gate.restore import RestoreTable
from gate.schema import check, schema
from gate.source import SourceTable
from gate.target_rules import violations
from gate.toml_error import Problem, TomlError, read, unknown, way_to

ROLES = tuple(schema().keys["roles"].keys)


class TargetError(TomlError):
    """readiness.toml cannot be used, or does not fit the compose file. Exit status 2."""


@dataclass(frozen=True, slots=True)
class StackTable:
    """How the system is started; paths relative to the target's folder, times in seconds."""

    mode: Literal["own"]
    compose: tuple[str, ...]
    env_file: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()
    build: bool = True
    start_timeout_s: float = 120
    image_prefix_variable: str | None = None
    release_variable: str | None = None
    release_variables: tuple[str, ...] = ()
    secrets_variable: str | None = None

    @property
    def names_release(self) -> tuple[str, ...]:
        """The variables that together say which release a stack starts with; empty where the gate cannot choose."""
        own = (self.release_variable,) if self.release_variable else ()
        return tuple(dict.fromkeys((*self.release_variables, *own)))


@dataclass(frozen=True, slots=True)
class ApiTable:
    """Where a client connects; `port` is the one inside the container."""

    service: str
    port: int
    scheme: Literal["http", "https"]
    live: str
    ready: str
    ca_file: str | None = None
    server_name: str | None = None
    version: str | None = None
    version_pointer: str | None = None


@dataclass(frozen=True, slots=True)
class AuthTable:
    """How requests are authorised; `token_command` has {tenant} and {role} still to be filled in."""

    kind: Literal["none", "bearer"] = "none"
    token_command: tuple[str, ...] = ()
    tenant: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class JobTable:
    """The job contract: how one is submitted, followed and seen to end. `timeout_s` in seconds."""

    submit_method: str
    submit_path: str
    accepted: tuple[int, ...]
    body: Mapping[str, Json]
    id_pointer: str
    status_path: str
    state_pointer: str
    pending: tuple[str, ...]
    succeeded: tuple[str, ...]
    failed: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    new_body: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 60
    stage_pointer: str | None = None
    stages: tuple[str, ...] = ()
    attempts_pointer: str | None = None


@dataclass(frozen=True, slots=True)
class DatabaseTable:
    """What psql inside a container of the role `database` connects to, the witness of effects, whether sessions over the
    network are meant to be encrypted, a certificate of its authority that is another service's, and the settings that it
    keeps for roles and databases (gate.kept_settings)."""

    name: str
    user: str
    effects_sql: str | None = None
    stages_sql: str | None = None
    encrypted: bool | None = None
    other_certificate_file: str | None = None
    kept_settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricsTable:
    """Where the Prometheus API answers, inside the container; the query that every change must leave a mark on; files of
    rules and their unit tests (globs below the folder); the expression of each signal; and, each with its owner's
    sentence, signals that are not measured, services that nobody scrapes, metrics that appear only after an event."""

    service: str
    port: int
    deployment_marker: str | None = None
    rules: tuple[str, ...] = ()
    rule_tests: tuple[str, ...] = ()
    signals: Mapping[str, str] = field(default_factory=dict)
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    unscraped: Mapping[str, str] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DashboardsTable:
    """Dashboards as files (globs below the folder), Grafana's provisioning of data sources, where its API answers inside
    the container, and which panel (`uid/title`) does what under which fault."""

    files: tuple[str, ...]
    datasources: tuple[str, ...] = ()
    service: str | None = None
    port: int = 3000
    shows: Mapping[str, str] = field(default_factory=dict)


# Lines of standard input to where the main process of a container writes, one write each, so that none is torn apart; {fd}
# is 1 for its output and 2 for its errors.
WRITE = ("awk", '{ print > "/proc/1/fd/{fd}"; fflush("/proc/1/fd/{fd}") }')


@dataclass(frozen=True, slots=True)
class LogsTable:
    """How the log store is read, inside a container of `service`, and what a stored line's fields are called."""

    service: str
    read: tuple[str, ...]
    usage: tuple[str, ...] = ()
    write: tuple[str, ...] = WRITE
    timestamp: str = "/timestamp"
    level: str = "/level"
    service_pointer: str = "/service"
    release: str = "/release"
    request_id: str = "/request_id"
    job_id: str = "/job_id"
    request_header: str | None = None
    hops: tuple[str, ...] = ()
    burst_alert: str | None = None
    exempt: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AdvisoriesTable:
    """Where advisories come from: a folder or zip of OSV records, the URL of such a zip, or of an API like OSV's."""

    source: str


@dataclass(frozen=True, slots=True)
class Target:
    """One system under judgement. `folder` is absolute; `sha256` is that of the file it was read from."""

    name: str
    title: str
    folder: Path
    file: Path
    sha256: str
    profile: str | None
    stack: StackTable
    roles: Mapping[str, tuple[str, ...]]
    api: ApiTable
    auth: AuthTable
    job: JobTable
    database: DatabaseTable | None
    commands: Mapping[str, tuple[str, ...]]
    releases: Mapping[str, str]
    bad_releases: Mapping[str, tuple[str, ...]]
    metrics: MetricsTable | None
    logs: LogsTable | None
    dashboards: DashboardsTable | None
    alerts: AlertsTable | None
    access: AccessTable | None
    configuration: ConfigurationTable | None
    documentation: DocumentationTable | None
    hardening: HardeningTable
    load: LoadTable
    refusal: RefusalTable | None
    capacity: CapacityTable | None
    rotation: RotationTable | None
    restore: RestoreTable | None
    source: SourceTable | None
    advisories: AdvisoriesTable | None
    published: tuple[str, ...]
    network: NetworkTable
    backup: BackupTable | None
    profiles: Mapping[str, Mapping[str, str]]
    commands_env: Mapping[str, str]
    limits: Mapping[str, Limit]
    absent: Mapping[str, str]

    @property
    def env(self) -> dict[str, str]:
        """The variables of [stack] env with those of the profile laid over them."""
        return {**self.stack.env, **self.profiles.get(pace(self.profile), {})}

    @property
    def log_write(self) -> tuple[str, ...]:
        """How lines are printed where a container's own processes print; there is a way without [logs] too."""
        return self.logs.write if self.logs else WRITE

    def services(self, role: str) -> tuple[str, ...]:
        """The services of a role, none when the role is not filled; KeyError when there is no such role."""
        if role not in ROLES:
            raise KeyError(f"{role}: {unknown('role', role, ROLES)}")
        return self.roles.get(role, ())

    def role_of(self, service: str) -> str | None:
        """The role of a service, None when it has none."""
        return _role_of(self.roles, service)

    def unassigned(self, services: Iterable[str]) -> tuple[str, ...]:
        """Those of the compose model's services that have no role."""
        return tuple(service for service in services if self.role_of(service) is None)

    def demand_roles_for(self, services: Iterable[str]) -> None:
        """Raise TargetError unless the roles name exactly the services of the compose model."""
        present = tuple(services)
        problems = [
            Problem(
                str(self.file),
                f'the service "{service}" of the compose file has no role',
                "roles",
                mend=f'give it the one that fits, or: other = ["{service}"]',
            )
            for service in self.unassigned(present)
        ]
        for role, named in self.roles.items():
            for service in named:
                if service not in present:
                    message = f'"{service}" is not in the compose file: {unknown("service", service, present)}'
                    problems.append(Problem(str(self.file), message, f"roles/{role}"))
        if problems:
            raise TargetError(problems)

    def demand_files(self) -> None:
        """Raise TargetError unless every file that a run needs from the start is there."""
        files = [("stack/compose", name) for name in self.stack.compose]
        files += [("stack/env_file", self.stack.env_file)] if self.stack.env_file else []
        files += [("restore/runbook", self.restore.runbook)] if self.restore else []
        if self.configuration:
            files += [("configuration/file", self.configuration.file)]
            given = self.configuration.environments
            files += [(f"configuration/environments/{name}", file) for name, file in given.items()]
        argvs = {"stack/prepare": self.stack.prepare, "auth/token_command": self.auth.token_command}
        if self.access:
            argvs |= {"access/sign": self.access.sign, "access/revoke": self.access.revoke}
        argvs.update({f"commands/{name}": argv for name, argv in self.commands.items()})
        files += [(path, argv[0]) for path, argv in argvs.items() if argv and "/" in argv[0]]
        problems = [
            Problem(str(self.file), f'there is no file "{name}" in {self.folder}', path)
            for path, name in files
            if not (self.folder / name).is_file()
        ]
        if problems:
            raise TargetError(problems)

    def capabilities(self) -> frozenset[str]:
        """What a check may ask for in `needs`: filled roles, and what the other tables provide."""
        found = {role for role, services in self.roles.items() if services}
        found |= {f"commands.{name}" for name in self.commands} | {f"releases.{name}" for name in self.releases}
        found |= {f"bad_releases.{name}" for name in self.bad_releases}
        found |= {"job"}
        given = self.alerts.faults if self.alerts else ()
        found |= {f"alerts.faults.{fault}" for fault in given if fault in alerts.FAULTS}
        offers = {
            "auth": self.auth.kind != "none",
            "api.version": self.api.version is not None,
            "api.tls": self.api.scheme == "https",
            "job.running": bool(self.job.running),
            "job.new_body": bool(self.job.new_body),
            "job.attempts": self.job.attempts_pointer is not None,
            "metrics.deployment_marker": self.metrics is not None and self.metrics.deployment_marker is not None,
            "logs.read": self.logs is not None,
            "logs.request_header": self.logs is not None and self.logs.request_header is not None,
            "logs.hops": self.logs is not None and bool(self.logs.hops),
            "logs.burst_alert": self.logs is not None and self.logs.burst_alert is not None,
            "metrics.service": self.metrics is not None,
            "metrics.rules": self.metrics is not None and bool(self.metrics.rules),
            "metrics.rule_tests": self.metrics is not None and bool(self.metrics.rule_tests),
            "metrics.signals": self.metrics is not None and bool(self.metrics.signals),
            "dashboards.files": self.dashboards is not None,
            "dashboards.shows": self.dashboards is not None and bool(self.dashboards.shows),
            "alerts.receivers": self.alerts is not None,
            "alerts.watchdog": self.alerts is not None and self.alerts.watchdog is not None,
            "alerts.severities": self.alerts is not None and bool(self.alerts.severities),
            "database.sql": self.database is not None,
            "database.effects_sql": self.database is not None and self.database.effects_sql is not None,
            "database.encrypted": self.database is not None and bool(self.database.encrypted),
            "configuration": self.configuration is not None,
            "configuration.environments": self.configuration is not None and bool(self.configuration.environments),
            "configuration.change": self.configuration is not None and self.configuration.change is not None,
            "load.refused": bool(self.load.refused),
            "load.baseline": bool(self.load.baseline),
            "database.stages_sql": self.database is not None and self.database.stages_sql is not None,
            "refusal": self.refusal is not None,
            "rotation": self.rotation is not None and self.stack.secrets_variable is not None,
            "capacity": self.capacity is not None,
            "restore": self.restore is not None,
            "configuration.required": self.configuration is not None and bool(self.configuration.required),
            "source.paths": self.source is not None and bool(self.source.paths),
            "source.locks": self.source is not None and bool(self.source.locks),
            "stack.image_prefix_variable": self.stack.image_prefix_variable is not None,
            # The built-in deploy replaces each container where it runs, so for a moment nobody answers.
            "live-switch": "deploy" in self.commands and not self._built_in("deploy"),
            "faults": self.stack.mode == "own",
        }
        offers |= access.offered(self.access) | documentation.offered(self.documentation)
        offers |= backup.offered(self.backup, own_secrets=self.stack.secrets_variable is not None)
        return frozenset(found | {name for name, offered in offers.items() if offered})

    def held_against(self, baseline: tuple[str, ...]) -> Target:
        """The same with other earlier runs to be held against; none leaves those of readiness.toml."""
        return replace(self, load=replace(self.load, baseline=baseline)) if baseline else self

    def _built_in(self, name: str) -> bool:
        return self.commands[name] == builtin.commands(self.file.name, self.profile).get(name)

    def absence(self, check_id: str) -> str | None:
        """The owner's sentence why this check does not apply here, None when it does. An exact id wins over a glob."""
        if check_id in self.absent:
            return self.absent[check_id]
        return next((sentence for glob, sentence in self.absent.items() if fnmatchcase(check_id, glob)), None)


def capability_names() -> frozenset[str]:
    """Every capability that any target can have, so that a check cannot need one that does not exist."""
    tables = schema().keys
    names = {f"{table}.{key}" for table in ("commands", "releases", "bad_releases") for key in tables[table].keys}
    names |= {f"alerts.faults.{fault}" for fault in alerts.FAULTS}
    names |= {"alerts.receivers", "alerts.watchdog", "alerts.severities", *access.offered(None)}
    names |= documentation.offered(None).keys()
    names |= {"auth", "api.version", "api.tls", "job", "job.running", "job.new_body", "job.attempts"}
    names |= {"logs.read", "logs.request_header", "logs.hops", "logs.burst_alert"}
    names |= {"database.sql", "database.effects_sql", "database.stages_sql", "database.encrypted"}
    names |= {"metrics.deployment_marker", "metrics.service"}
    names |= {"metrics.rules", "metrics.rule_tests", "metrics.signals", "dashboards.files", "dashboards.shows"}
    names |= {"configuration.environments", "configuration.change", "refusal", "capacity", "rotation", "restore"}
    names |= {"source.paths", "source.locks", "load.refused", "load.baseline"}
    names |= backup.offered(None, own_secrets=False).keys()
    names |= {"configuration", "configuration.required", "stack.image_prefix_variable", "live-switch", "faults"}
    return frozenset(names | set(ROLES) | kernel.NEEDS)


def load(path: Path, profile: str | None = None) -> Target:
    """Read readiness.toml; raises TargetError with everything that is wrong in it."""
    document = read(path, TargetError, missing=way_to(path))
    if problems := [*check(document), *violations(document)]:
        raise TargetError(sorted(problems, key=lambda problem: (problem.line or 0, problem.path)))
    if profile is not None and profile not in PROFILES:
        raise TargetError([Problem(str(path), unknown("profile", profile, PROFILES), "profiles")])
    data = document.data
    job = _frozen(data["job"])
    job |= {name: data["job"][name] for name in ("body", "new_body") if name in data["job"]}
    own_commands = _frozen(data.get("commands", {}))
    built_in = builtin.commands(path.name, profile) if "release_variable" in data["stack"] else {}
    published = data.get("published", {}).get("ports", [f"{data['api']['service']}:{data['api']['port']}"])
    return Target(
        name=data["target"]["name"],
        title=data["target"]["title"],
        folder=path.resolve().parent,
        file=path,
        sha256=document.sha256,
        profile=profile,
        stack=StackTable(**_frozen(data["stack"])),
        roles=_frozen(data["roles"]),
        api=ApiTable(**_frozen(data["api"])),
        auth=AuthTable(**_frozen(data.get("auth", {}))),
        job=JobTable(**job),
        database=DatabaseTable(**_frozen(data["database"])) if "database" in data else None,
        commands={**built_in, **own_commands},
        releases=_frozen(data.get("releases", {})),
        bad_releases=_frozen(data.get("bad_releases", {})),
        metrics=MetricsTable(**_frozen(data["metrics"])) if "metrics" in data else None,
        logs=LogsTable(**_frozen(data["logs"])) if "logs" in data else None,
        dashboards=DashboardsTable(**_frozen(data["dashboards"])) if "dashboards" in data else None,
        alerts=alerts.table(data["alerts"]) if "alerts" in data else None,
        access=access.table(data["access"]) if "access" in data else None,
        configuration=ConfigurationTable(**_frozen(data["configuration"])) if "configuration" in data else None,
        documentation=documentation.table(data["documentation"]) if "documentation" in data else None,
        hardening=hardening.table(data.get("hardening", {})),
        load=LoadTable(**_frozen(data.get("load", {}))),
        refusal=RefusalTable(**_frozen(data["refusal"])) if "refusal" in data else None,
        restore=RestoreTable(**_frozen(data["restore"])) if "restore" in data else None,
        rotation=RotationTable(**_frozen(data["rotation"])) if "rotation" in data else None,
        capacity=CapacityTable(**data["capacity"]) if "capacity" in data else None,
        source=SourceTable(**_frozen(data["source"])) if "source" in data else None,
        advisories=AdvisoriesTable(**data["advisories"]) if "advisories" in data else None,
        published=tuple(published),
        network=network.table(data.get("network", {}), _role_of(data["roles"], data["api"]["service"])),
        backup=BackupTable(**data["backup"]) if "backup" in data else None,
        profiles={name: table.get("env", {}) for name, table in data.get("profiles", {}).items()},
        commands_env=data.get("commands_env", {}).get(pace(profile), {}),
        limits={**default_limits(profile), **limits(document, profile)},
        absent=data.get("absent", {}),
    )


def _role_of(roles: Mapping[str, Any], service: str) -> str | None:
    return next((role for role, services in roles.items() if service in services), None)


def _frozen(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
