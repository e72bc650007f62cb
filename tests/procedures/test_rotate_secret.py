"""Rotation of secrets decides right, without an engine: what lies in the files when, what is asked, and what is undone."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from procedures import rotation, secrets, token
from procedures.commands import Argv
from procedures.rotate_secret import main, rotate
from procedures.setup_step import Step
from tests.procedures.recording import COMPOSE, Recorded

PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass
class Rotating(Recorded):
    """The recorded system with APIs that accept every key of the public file, and what was sent to the database."""

    folder: Path = Path()
    deaf: bool = False
    statements: list[str] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)

    def _answer(self, argv: Argv, env: dict[str, str], text: str | None) -> Any:
        if argv == COMPOSE.sql():
            self.statements.append(text or "")
        if argv in {COMPOSE.script("api-blue"), COMPOSE.script("api-green")}:
            bearer = re.search(r"Bearer ([\w.-]+)", text or "")
            assert bearer
            self.accepted.append(len(PEM.findall((self.folder / "jwt_public_key.pem").read_bytes())))
            return {"status": 200 if not self.deaf and accepts(self.folder, bearer[1]) else 401}
        return super()._answer(argv, env, text)


def accepts(folder: Path, bearer: str) -> bool:
    """Whether the signature is that of a key in the public file."""
    signed, _, signature = bearer.rpartition(".")
    for block in PEM.findall((folder / "jwt_public_key.pem").read_bytes()):
        key = serialization.load_pem_public_key(block)
        assert isinstance(key, Ed25519PublicKey)
        try:
            key.verify(base64.urlsafe_b64decode(signature + "=="), signed.encode())
        except InvalidSignature:
            continue
        return True
    return False


def issued(folder: Path) -> str:
    said = token.claims(tenant="acme", role="operator", subject="x", ttl_s=60, at=time.time())
    return token.signed(said, folder / token.KEY)


@pytest.fixture
def rotating(system: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rotating:
    folder = tmp_path / "secrets"
    monkeypatch.setenv("DOCJOBS_SECRETS", str(folder))
    monkeypatch.setattr(rotation, "_SEEN_S", 0.05)
    monkeypatch.setattr(rotation, "_PAUSE_S", 0.01)
    (tmp_path / ".env").write_text(f"DOCJOBS_SECRETS={folder}\n", encoding="utf-8")
    secrets.ensure(tmp_path, Step("secrets"))
    return Rotating(system.file, folder=folder)


def audit() -> list[dict[str, Any]]:
    text = Path(os.environ["DOCJOBS_STATE_DIR"], "audit.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_both_keys_are_accepted_and_new_tokens_are_of_the_new_one(rotating: Rotating) -> None:
    old, inode = issued(rotating.folder), (rotating.folder / "jwt_public_key.pem").stat().st_ino
    said = rotate("signing-key", run=rotating)
    assert said["result"] == "rotated"
    assert "--retire" in said["next"]
    new = issued(rotating.folder)
    assert accepts(rotating.folder, old)
    assert accepts(rotating.folder, new)
    assert (rotating.folder / "jwt_public_key.pem").stat().st_ino == inode  # what is mounted is the file, not its name
    assert rotating.accepted == [2]


def test_the_old_key_is_ended_and_the_new_one_goes_on(rotating: Rotating) -> None:
    old = issued(rotating.folder)
    rotate("signing-key", run=rotating)
    said = rotate("signing-key", retire=True, run=rotating)
    assert said["result"] == "retired"
    assert not accepts(rotating.folder, old)
    assert accepts(rotating.folder, issued(rotating.folder))
    assert len(PEM.findall((rotating.folder / "jwt_public_key.pem").read_bytes())) == 1


def test_a_key_that_no_api_accepts_is_taken_back(rotating: Rotating) -> None:
    before = {name: (rotating.folder / name).read_bytes() for name in secrets.SIGNING}
    rotating.deaf = True
    said = rotate("signing-key", run=rotating)
    assert said["result"] == "failed"
    assert "does not accept the new key" in said["reason"]
    assert {name: (rotating.folder / name).read_bytes() for name in secrets.SIGNING} == before
    assert not list(rotating.folder.glob(".*"))


def test_a_rotation_that_was_killed_is_made_good_by_the_next(rotating: Rotating) -> None:
    """The public file may hold a key whose private half is lost."""
    public = rotating.folder / "jwt_public_key.pem"
    rotation.write_in_place(public, public.read_bytes() + rotation._key_pair()[1])
    rotate("signing-key", run=rotating)
    rotate("signing-key", retire=True, run=rotating)
    key = serialization.load_pem_private_key((rotating.folder / token.KEY).read_bytes(), password=None)
    wanted = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert public.read_bytes() == wanted


def test_a_password_is_changed_in_the_file_and_in_the_database_and_stands_in_no_argument(rotating: Rotating) -> None:
    path = rotating.folder / "db_app_password"
    before, inode, mode = path.read_text(), path.stat().st_ino, path.stat().st_mode
    said = rotate("db_app_password", run=rotating)
    after = path.read_text()
    assert said["result"] == "rotated"
    assert after != before
    assert (path.stat().st_ino, path.stat().st_mode) == (inode, mode)
    assert f"ALTER ROLE docjobs_app PASSWORD '{after}'" in rotating.statements[0]
    assert not any(after in word for argv in rotating.argvs for word in argv)
    assert after not in json.dumps(said) + json.dumps(audit())


def test_a_password_that_the_database_refuses_is_taken_back(rotating: Rotating) -> None:
    before = (rotating.folder / "db_app_password").read_text()
    rotating.fails = lambda argv: argv == COMPOSE.sql()
    said = rotate("db_app_password", run=rotating)
    assert said["result"] == "failed"
    assert (rotating.folder / "db_app_password").read_text() == before


def test_every_rotation_is_recorded_without_its_value(rotating: Rotating) -> None:
    rotate("signing-key", run=rotating)
    rotate("signing-key", retire=True, run=rotating)
    lines = [(line["action"], line["secret"], line["result"]) for line in audit()]
    assert lines == [("rotate", "signing-key", "rotated"), ("retire", "signing-key", "retired")]
    assert all(line["who"] and line["at"] for line in audit())


def test_a_database_that_is_being_restored_is_not_disturbed(rotating: Rotating) -> None:
    rotating.database = "t"
    before = (rotating.folder / "db_app_password").read_text()
    assert rotate("db_app_password", run=rotating)["result"] == "refused"
    assert (rotating.folder / "db_app_password").read_text() == before


def test_an_unknown_secret_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["backup_cipher_passphrase"])
    assert ended.value.code == 2
