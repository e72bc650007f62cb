"""The production configuration is valid, every mutation of it is refused by key and line, and the schema cannot drift."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from procedures import validate_configuration
from procedures.configuration import keys
from procedures.validate_configuration import problems

PRODUCTION = Path("reference/env/production.env").read_text(encoding="utf-8")
COMPOSE = Path("docker-compose.prod.yml").read_text(encoding="utf-8")
NUMBERS = sorted(re.findall(r"^(DOCJOBS_[A-Z0-9_]+)=\d+$", PRODUCTION, re.MULTILINE))
REQUIRED = sorted(re.findall(r"^([A-Z0-9_]+)=.+$", PRODUCTION, re.MULTILINE))


def changed(key: str, line: str) -> str:
    return re.sub(rf"^{key}=.*\n", line, PRODUCTION, flags=re.MULTILINE)


def keys_of(text: str) -> set[str]:
    return {problem.key for problem in problems(text)}


def test_the_schema_is_what_compose_and_the_build_take_from_the_file() -> None:
    without_comments = re.sub(r"(^|\s)#.*", "", COMPOSE)
    interpolated = set(re.findall(r"(?<!\$)\$\{?([A-Z][A-Z0-9_]*)", without_comments))
    of_a_build = {"RELEASE_PARENT", "DOCJOBS_REVISION", "DOCJOBS_CREATED"}  # given to one build, never kept in the file
    assert keys() == (interpolated - of_a_build) | {"COMPOSE_PROFILES", "DOCJOBS_CA_BUNDLE"}


def test_the_committed_production_configuration_is_valid() -> None:
    assert problems(PRODUCTION) == []


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_key_is_named(key: str) -> None:
    assert key in keys_of(changed(key, ""))


@pytest.mark.parametrize("key", REQUIRED)
@pytest.mark.parametrize("value", ["", '""', "changeme", "<fill in>", "# later"])
def test_an_empty_value_or_a_placeholder_is_named(key: str, value: str) -> None:
    assert key in keys_of(changed(key, f"{key}={value}\n"))


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", ["many", "-1", "99999999999"])
def test_a_number_of_the_wrong_type_or_out_of_range_is_named(key: str, value: str) -> None:
    assert key in keys_of(changed(key, f"{key}={value}\n"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("DOCJOBS_WORKER_CONCURENCY=5", "did you mean DOCJOBS_WORKER_CONCURRENCY?"),
        ("DEBUG=1", "debugging must be off"),
        ("DB_PASSWORD=a-real-one", "a secret does not belong here"),
        ("DOCJOBS_PORT=1", "is set already on line"),
        ("no assignment", "is no KEY=value"),
    ],
)
def test_a_line_that_does_not_belong_is_named_with_its_number(line: str, said: str) -> None:
    found = [problem for problem in problems(f"{PRODUCTION}{line}\n") if said in problem.text]
    assert [problem.line for problem in found] == [PRODUCTION.count("\n") + 1]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DOCJOBS_STALLED_S", "5"),
        ("DOCJOBS_BACKUP_STALE_S", "3600"),
        ("DOCJOBS_BACKUP_KEEP_S", "3600"),
        ("DOCJOBS_BACKUP_UNVERIFIED_S", "86400"),
        ("DOCJOBS_BACKUP_UNVERIFIED_S", "1000000"),
        ("DOCJOBS_QUEUE_AGE_LIMIT_S", "0"),
        ("DOCJOBS_LOGS_FILE_MIB", "4000"),
        ("COMPOSE_PROFILES", "green"),
        ("COMPOSE_PROFILES", "blue,purple"),
        ("RELEASE_BLUE", "latest"),
        ("GRAFANA_IMAGE", "grafana/grafana"),
        ("BASE_IMAGE", "debian:latest"),
        ("DOCJOBS_REGISTRY", "registry.internal/team"),
        ("DOCJOBS_PAGER_URL", "pager"),
        ("DOCJOBS_BIND", "everywhere"),
    ],
)
def test_a_value_against_the_rules_of_production_is_named(key: str, value: str) -> None:
    assert key in keys_of(changed(key, f"{key}={value}\n"))


def test_no_value_is_ever_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "e"
    secret = "s3cr3t-v4lue"
    text = f"{PRODUCTION}DB_PASSWORD={secret}\nDOCJOBS_PAGER_URL=https://user:{secret}@pager.internal/\n{secret}\n"
    file.write_text(re.sub(r"^DOCJOBS_PORT=.*$", f"DOCJOBS_PORT={secret}", text, flags=re.MULTILINE), encoding="utf-8")
    assert validate_configuration.main([str(file)]) == 2
    said = capsys.readouterr()
    assert secret not in said.out + said.err.replace(f": {secret}: is no KEY=value", "")
    assert "DOCJOBS_PORT" in said.err


def test_weak_secret_files_are_named_and_not_shown(tmp_path: Path) -> None:
    for name, content in {"good": "8Zx3tq0v", "empty": " \n", "left": "changeme"}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    found = validate_configuration.weak_secrets(tmp_path)
    assert sorted(problem.text.split(" ")[2] for problem in found) == ["empty", "left"]
    assert "changeme" not in "".join(map(str, found))


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_ends_in_a_sentence(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "e"
    if content is not None:
        file.write_bytes(content)
    assert validate_configuration.main([str(file)]) == 2
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["\x1b[2J\x1b]0;owned\x07", "A\x9b31m\u202e=1", "DOCJOBS_PORT=\x1b[2J", "\x1b[2J: x"])
def test_what_is_in_the_file_acts_on_no_terminal(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "e"
    file.write_text(f"{PRODUCTION}{line}\n", encoding="utf-8")
    assert validate_configuration.main([str(file)]) == 2
    said = capsys.readouterr()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said.out + said.err)
