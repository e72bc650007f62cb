"""After the loss of a host: what is in escrow stays as it is, and only what is missing is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from procedures import secrets
from procedures.make_secrets import main
from procedures.setup_step import Step
from tests.procedures.recording import Recorded

ESCROW = ("backup_cipher_passphrase", "ca.crt", "ca.key")


@pytest.fixture
def folder(system: Recorded, tmp_path: Path) -> Path:
    """What the environment file names, with all secrets in it."""
    found = tmp_path / "secrets"
    (tmp_path / ".env").write_text(f"DOCJOBS_SECRETS={found}\n", encoding="utf-8")
    secrets.ensure(tmp_path, Step("secrets"))
    text = system.file.read_text(encoding="utf-8").replace("DOCJOBS_SECRETS=./.secrets", f"DOCJOBS_SECRETS={found}")
    system.file.write_text(text, encoding="utf-8")
    return found


def test_what_is_in_escrow_stays_and_the_rest_is_made_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    for name in before.keys() - set(ESCROW):
        (folder / name).unlink()
    assert main([]) == 0
    after = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] == after[name]} == set(ESCROW)
    said = capsys.readouterr().err
    assert "db_app_password" in said
    assert after["db_app_password"].decode() not in said


def test_nothing_is_made_where_all_is_there(folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert main([]) == 0
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_one_that_is_wrong_is_told_with_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "db_app_password").chmod(0o600)
    (folder / "db_app_password").write_text("")
    assert main([]) == 2
    assert "db_app_password is empty" in capsys.readouterr().err
