"""The services' own settings: hundreds of generated mistakes, each refused by name, with no value and no secret printed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from docjobs.settings import ApiSettings, MigrateSettings, ServiceSettings, WorkerSettings, unknown_variables
from hypothesis import given, settings
from hypothesis import strategies as st

SECRET = "correct-horse-battery-staple"
COMMON = {
    "DOCJOBS_DATABASE_HOST": "database",
    "DOCJOBS_DATABASE_PORT": "5432",
    "DOCJOBS_DATABASE_NAME": "docjobs",
    "DOCJOBS_DATABASE_USER": "docjobs_app",
    "DOCJOBS_DATABASE_PASSWORD_FILE": "password",
    "DOCJOBS_DATABASE_SSLMODE": "verify-full",
    "DOCJOBS_DATABASE_CA_FILE": "ca",
}
OF_SERVICES = {"DOCJOBS_COLOUR": "blue", "DOCJOBS_DATABASE_POOL": "8", "DOCJOBS_METRICS_TOKEN_FILE": "token"}
OF_API = {"DOCJOBS_JWT_PUBLIC_KEY_FILE": "key", "DOCJOBS_QUEUE_AGE_LIMIT_S": "60", "DOCJOBS_QUEUE_LIMIT": "400"}
OF_WORKER = {
    "DOCJOBS_STAGE_WAIT_MS": "4800",
    "DOCJOBS_WORKER_CONCURRENCY": "5",
    "DOCJOBS_HEARTBEAT_S": "2",
    "DOCJOBS_STALLED_S": "8",
}
SERVICES = {
    "api": (ApiSettings, COMMON | OF_SERVICES | OF_API),
    "worker": (WorkerSettings, COMMON | OF_SERVICES | OF_WORKER),
    "migrate": (MigrateSettings, COMMON),
}
NAMES_OF_FILES = {"password", "ca", "token", "key", "short", "blank"}
FILES = {
    "DOCJOBS_DATABASE_PASSWORD_FILE",
    "DOCJOBS_DATABASE_CA_FILE",
    "DOCJOBS_METRICS_TOKEN_FILE",
    "DOCJOBS_JWT_PUBLIC_KEY_FILE",
}
NUMBERS = {key for _, given_ in SERVICES.values() for key, value in given_.items() if value.isdigit()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("secrets")
    for name in ("password", "ca", "token", "key"):
        (made / name).write_text(SECRET)
    (made / "short").write_text("short")
    (made / "blank").write_text("  \n")
    return made


def refused(service: str, environment: dict[str, str | None], folder: Path) -> tuple[int | None, str]:
    """The exit status, None when it starts, and what is said; a name of a file is looked for in the folder."""
    kind, given_ = SERVICES[service]
    there = {name: None if value is None else str(folder / value) if value in NAMES_OF_FILES else value
             for name, value in {**given_, **environment}.items()}  # fmt: skip
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DOCJOBS_")]:
            patch.delenv(name)
        for name, value in there.items():
            if value is not None:
                patch.setenv(name, value)
        patch.setattr("sys.stderr.write", said.append)
        try:
            kind.load()
        except SystemExit as end:
            return int(str(end.code)), "".join(said)
    return None, "".join(said)


@st.composite
def mistakes(draw: st.DrawFn) -> tuple[str, str, str | None]:
    """A service, the variable that must be named, and the value that it has (None: it is not there)."""
    service = draw(st.sampled_from(sorted(SERVICES)))
    names = sorted(SERVICES[service][1])
    kind = draw(st.sampled_from(["missing", "empty", "number", "file", "unknown", "typo"]))
    if kind in {"missing", "empty"}:
        return service, draw(st.sampled_from(names)), None if kind == "missing" else ""
    if kind == "number":
        value = st.sampled_from(["not-a-number", "-1", "99999999999999", "1,5", SECRET])
        return service, draw(st.sampled_from(sorted(NUMBERS & set(names)))), draw(value)
    if kind == "file":
        value = st.sampled_from(["/nowhere", "blank", SECRET, "/", "\x01"])
        return service, draw(st.sampled_from(sorted(FILES & set(names)))), draw(value)
    if kind == "typo":
        name = draw(st.sampled_from(names))
        return service, name[:-2] + name[-1], SERVICES[service][1][name]
    word = draw(st.from_regex(r"[A-Z]{4,12}", fullmatch=True))
    return service, f"DOCJOBS_X{word}", draw(st.sampled_from(["1", SECRET]))


@pytest.mark.slow
@settings(max_examples=300)
@given(mistake=mistakes())
def test_a_wrong_setting_is_refused_by_name(folder: Path, mistake: tuple[str, str, str | None]) -> None:
    service, name, value = mistake
    status, said = refused(service, {name: value}, folder)
    assert status == os.EX_CONFIG
    assert name in said
    assert SECRET not in said


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_the_settings_as_they_are_are_accepted(service: str, folder: Path) -> None:
    assert refused(service, {}, folder) == (None, "")


def test_a_short_password_is_named_and_not_shown(folder: Path) -> None:
    status, said = refused("api", {"DOCJOBS_DATABASE_PASSWORD_FILE": "short"}, folder)
    assert status == os.EX_CONFIG
    assert "fewer than 12" in said
    assert str(folder) not in said


def test_every_variable_of_the_compose_file_is_demanded_or_depends_on_another() -> None:
    """Without a default: what is forgotten would go on unnoticed."""
    for kind, given_ in SERVICES.values():
        required = {f"DOCJOBS_{name}".upper() for name, field in kind.model_fields.items() if field.is_required()}
        assert set(given_) - required <= {"DOCJOBS_DATABASE_CA_FILE"}  # needed by the ssl mode that verifies


def test_a_variable_of_another_service_is_known() -> None:
    assert unknown_variables({"DOCJOBS_STAGE_WAIT_MS": "1", "DOCJOBS_NOBODY": "1"}) == {"DOCJOBS_NOBODY"}
    assert "database_pool" in ServiceSettings.model_fields
