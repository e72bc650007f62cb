"""The typed schema of the environment file: every variable that docker-compose.prod.yml takes from it, and no other.

The three environments have the same variables; what may only be left lax where no customer is, the class says.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyAddress, model_validator

from procedures.commands import COLOURS

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._/:-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*(@sha256:[0-9a-f]{64})?|[^@\s]+@sha256:[0-9a-f]{64}"
)


def _release(value: str) -> str:
    if not _TAG.fullmatch(value) or value == "latest":
        raise ValueError("must be the immutable tag of a release, for example 1.0.0")
    return value


def _image(value: str) -> str:
    if not _IMAGE.fullmatch(value) or value.endswith(":latest"):
        raise ValueError("must be an image with a tag other than latest, or with a digest")
    return value


def _registry(value: str) -> str:
    if value and not value.endswith("/"):
        raise ValueError("must end with a slash, or be empty")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError("must be a URL with http or https, or be empty")
    if parts.username or parts.password:
        raise ValueError("must hold no password: the environment file holds no secret")
    return value


Release = Annotated[str, AfterValidator(_release)]
Image = Annotated[str, AfterValidator(_image)]
Registry = Annotated[str, AfterValidator(_registry)]
Url = Annotated[str, AfterValidator(_url)]
Text = Annotated[str, Field(min_length=1)]


_LEAST_LOG_DAYS = 7
_OLDEST_BACKUP_S = 172_800
_OLDEST_VERIFICATION_S = 604_800


class Environment(BaseModel):
    """One environment file. Names are those of the variables, in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=str.upper)

    compose_profiles: Text
    active_colour: Literal["blue", "green"]
    release_blue: Release
    release_green: Release
    release_migrate: Release
    platform_release: Release
    docjobs_registry: Registry = ""
    base_image: Image
    docjobs_bind: IPvAnyAddress
    docjobs_port: int = Field(ge=1, le=65535)
    docjobs_secrets: Text
    docjobs_ca_bundle: str = ""
    docjobs_rate_limit_10s: int = Field(ge=10, le=1_000_000)
    docjobs_body_limit_bytes: int = Field(ge=1_024, le=67_108_864)
    docjobs_database_pool: int = Field(ge=1, le=100)
    docjobs_stage_wait_ms: int = Field(ge=0, le=600_000)
    docjobs_worker_concurrency: int = Field(ge=1, le=64)
    docjobs_heartbeat_s: float = Field(ge=0.2, le=60)
    docjobs_stalled_s: float = Field(ge=1, le=600)
    docjobs_queue_age_limit_s: float = Field(ge=1, le=86_400)
    docjobs_queue_limit: int = Field(ge=2, le=1_000_000)
    docjobs_database_new: Literal["yes", "no"] = "no"
    docjobs_backup_first_after_s: int = Field(ge=0, le=86_400)
    docjobs_backup_full_every_s: int = Field(ge=60, le=2_678_400)
    docjobs_backup_diff_every_s: int = Field(ge=60, le=86_400)
    docjobs_backup_stale_s: int = Field(ge=1, le=2_678_400)
    docjobs_backup_verify_every_s: int = Field(ge=60, le=2_678_400)
    docjobs_backup_keep_s: int = Field(ge=60, le=315_360_000)
    docjobs_backup_unverified_s: int = Field(ge=1, le=5_356_800)
    docjobs_logs_days: int = Field(ge=1, le=3_650)
    docjobs_logs_mib: int = Field(ge=16, le=1_048_576)
    docjobs_logs_file_mib: int = Field(ge=1, le=4_096)
    docjobs_pager_url: Url = ""
    docjobs_ticket_url: Url = ""
    grafana_image: Image

    @model_validator(mode="after")
    def _agree(self) -> Environment:
        """Values that are right alone and wrong together. The key to look at comes first."""
        profiles = self.compose_profiles.split(",")
        if self.active_colour not in profiles:
            raise ValueError(f"COMPOSE_PROFILES: must name the live colour, ACTIVE_COLOUR={self.active_colour}")
        if strange := set(profiles) - {*COLOURS, "grafana"}:
            raise ValueError(f"COMPOSE_PROFILES: {', '.join(sorted(strange))} is no profile of the stack")
        if self.docjobs_stalled_s < 3 * self.docjobs_heartbeat_s:
            raise ValueError("DOCJOBS_STALLED_S: must be at least three times DOCJOBS_HEARTBEAT_S")
        if self.docjobs_backup_diff_every_s > self.docjobs_backup_full_every_s:
            raise ValueError("DOCJOBS_BACKUP_DIFF_EVERY_S: must not be more than DOCJOBS_BACKUP_FULL_EVERY_S")
        if self.docjobs_backup_stale_s <= self.docjobs_backup_diff_every_s:
            raise ValueError("DOCJOBS_BACKUP_STALE_S: must be more than DOCJOBS_BACKUP_DIFF_EVERY_S")
        if self.docjobs_backup_keep_s < self.docjobs_backup_full_every_s:
            raise ValueError("DOCJOBS_BACKUP_KEEP_S: must not be less than DOCJOBS_BACKUP_FULL_EVERY_S")
        if self.docjobs_backup_unverified_s <= self.docjobs_backup_verify_every_s:
            raise ValueError("DOCJOBS_BACKUP_UNVERIFIED_S: must be more than DOCJOBS_BACKUP_VERIFY_EVERY_S")
        if self.docjobs_logs_file_mib > self.docjobs_logs_mib:
            raise ValueError("DOCJOBS_LOGS_FILE_MIB: must not be more than DOCJOBS_LOGS_MIB")
        return self


class Production(Environment):
    """One environment file that may go to production."""

    @model_validator(mode="after")
    def _kept(self) -> Production:
        """What is found out late must still be there to be found out. The key to look at comes first."""
        if self.docjobs_logs_days < _LEAST_LOG_DAYS:
            raise ValueError(f"DOCJOBS_LOGS_DAYS: must be at least {_LEAST_LOG_DAYS}")
        if self.docjobs_backup_stale_s > _OLDEST_BACKUP_S:
            raise ValueError(f"DOCJOBS_BACKUP_STALE_S: must be at most {_OLDEST_BACKUP_S}, two days")
        if self.docjobs_backup_unverified_s > _OLDEST_VERIFICATION_S:
            raise ValueError(f"DOCJOBS_BACKUP_UNVERIFIED_S: must be at most {_OLDEST_VERIFICATION_S}, a week")
        if self.docjobs_database_new == "yes":
            raise ValueError("DOCJOBS_DATABASE_NEW: must be no: it lets an empty database take a lost one's place")
        return self


ENVIRONMENTS: dict[str, type[Environment]] = {
    "development": Environment,
    "staging": Production,
    "production": Production,
}


def keys() -> frozenset[str]:
    """The names of all variables."""
    return frozenset(name.upper() for name in Environment.model_fields)
