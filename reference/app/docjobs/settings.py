"""Configuration from the environment: what is missing, invalid or unknown is refused by name, before anything starts."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "DOCJOBS_"
_SHORTEST_PASSWORD = 12

Colour = Literal["blue", "green"]


def _readable(path: Path) -> Path:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        # Not which: whoever mistakes the variable for the secret itself would have it printed.
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise ValueError(f"cannot read the file that it names: {reason}") from None
    if not content.strip():
        raise ValueError("the file that it names is empty")
    return path


def _password(path: Path) -> Path:
    if len(_readable(path).read_text(encoding="utf-8").strip()) < _SHORTEST_PASSWORD:
        raise ValueError(f"the file that it names holds a password of fewer than {_SHORTEST_PASSWORD} characters")
    return path


ReadableFile = Annotated[Path, AfterValidator(_readable)]
PasswordFile = Annotated[Path, AfterValidator(_password)]
Name = Annotated[str, Field(min_length=1, max_length=253)]


class DatabaseSettings(BaseSettings):
    """How to reach the database; every service needs it.

    What the compose file sets has no default here: a variable that is forgotten would go on unnoticed with a value that
    nobody chose.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    database_host: Name
    database_port: int = Field(ge=1, le=65535)
    database_name: Name
    database_user: Name
    database_password_file: PasswordFile
    database_sslmode: Literal["verify-full", "verify-ca", "require", "disable"]
    database_ca_file: ReadableFile | None = None
    log_level: Literal["INFO", "WARNING", "ERROR"] = "INFO"

    def fingerprint(self) -> str:
        """A sha256 over every effective setting; secrets are files, so only their paths enter."""
        effective = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(effective.encode()).hexdigest()

    @classmethod
    def load(cls) -> Self:
        """The settings of this process; ends it with status 78 and the names of what is wrong otherwise."""
        problems = [f"{name}: unknown variable" for name in sorted(unknown_variables(os.environ))]
        try:
            settings = cls()
        except ValidationError as error:
            problems += [_sentence(item["loc"], item["msg"]) for item in error.errors(include_input=False)]
        else:
            problems += settings.contradictions()
            if not problems:
                return settings
        for problem in problems:
            sys.stderr.write(f"docjobs: configuration refused: {problem}\n")
        raise SystemExit(os.EX_CONFIG)

    def contradictions(self) -> list[str]:
        """Sentences about settings that are valid alone and wrong together."""
        if self.database_sslmode.startswith("verify") and self.database_ca_file is None:
            return [f"{PREFIX}DATABASE_CA_FILE: required by {PREFIX}DATABASE_SSLMODE={self.database_sslmode}"]
        return []


class ServiceSettings(DatabaseSettings):
    """What the services of a colour have in common: connections kept open, and who may read their metrics."""

    colour: Colour
    database_pool: int = Field(ge=1, le=100)
    metrics_token_file: ReadableFile


class ApiSettings(ServiceSettings):
    """The API's configuration."""

    jwt_public_key_file: ReadableFile
    listen_port: int = Field(default=8000, ge=1, le=65535)
    document_max_bytes: int = Field(default=1_048_576, ge=1_024, le=16_777_216)
    max_attempts: int = Field(default=5, ge=1, le=20)
    queue_age_limit_s: float = Field(ge=1, le=86_400)
    queue_limit: int = Field(ge=2, le=1_000_000)


class WorkerSettings(ServiceSettings):
    """The worker's configuration; times in seconds unless the name says otherwise."""

    metrics_port: int = Field(default=9000, ge=1, le=65535)
    worker_concurrency: int = Field(ge=1, le=64)
    stage_processes: int = Field(default=2, ge=1, le=16)
    stage_cpu_s: int = Field(default=60, ge=1, le=3600)
    stage_wait_ms: int = Field(ge=0, le=600_000)
    heartbeat_s: float = Field(ge=0.2, le=60)
    stalled_s: float = Field(ge=1, le=600)
    drain_s: float = Field(default=35, ge=0, le=3600)
    backoff_base_s: float = Field(default=1, gt=0, le=60)
    backoff_cap_s: float = Field(default=60, ge=1, le=3600)
    health_file: Path = Path("/tmp/docjobs-worker.health")  # noqa: S108  # nosec B108: a tmpfs of its own

    def contradictions(self) -> list[str]:
        """A worker must have missed several heartbeats before its jobs are taken over."""
        problems = super().contradictions()
        if self.stalled_s < 3 * self.heartbeat_s:
            problems.append(f"{PREFIX}STALLED_S: must be at least three times {PREFIX}HEARTBEAT_S")
        return problems


class MigrateSettings(DatabaseSettings):
    """The migration job's configuration."""

    lock_timeout_ms: int = Field(default=2_000, ge=100, le=60_000)
    lock_attempts: int = Field(default=5, ge=1, le=20)
    connect_wait_s: float = Field(default=30, ge=0, le=600)


def unknown_variables(environment: os._Environ[str] | dict[str, str]) -> set[str]:
    """Names with our prefix that no service of this release knows."""
    known = {
        f"{PREFIX}{field}".upper()
        for settings in (ApiSettings, WorkerSettings, MigrateSettings)
        for field in settings.model_fields
    }
    return {name for name in environment if name.upper().startswith(PREFIX) and name not in known}


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    name = f"{PREFIX}{location[0]}".upper() if location else PREFIX
    return f"{name}: {message.removeprefix('Value error, ')}"
