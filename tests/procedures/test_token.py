"""Tokens verify with the public key, say what was asked for, and a missing key ends in a sentence."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from procedures import token


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ed25519PrivateKey:
    made = Ed25519PrivateKey.generate()
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / token.KEY).write_bytes(pem)
    monkeypatch.setenv("DOCJOBS_SECRETS", str(tmp_path))
    return made


def test_a_token_verifies_and_says_what_was_asked_for(key: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert token.main(["--tenant", "acme", "--role", "auditor", "--ttl", "60"]) == 0
    head, payload, signature = capsys.readouterr().out.strip().split(".")
    key.public_key().verify(decoded(signature), f"{head}.{payload}".encode())
    assert json.loads(decoded(head)) == {"alg": "EdDSA", "typ": "JWT"}
    said = json.loads(decoded(payload))
    assert (said["iss"], said["aud"], said["tenant"], said["role"]) == ("docjobs", "docjobs-api", "acme", "auditor")
    assert said["nbf"] <= said["iat"]
    assert said["exp"] - said["iat"] == 60
    assert said["jti"]


@pytest.mark.parametrize("content", [None, "no key"])
def test_without_a_key_the_mending_command_is_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCJOBS_SECRETS", str(tmp_path))
    if content:
        (tmp_path / token.KEY).write_text(content, encoding="utf-8")
    assert token.main(["--tenant", "acme", "--role", "auditor"]) == 2
    assert "make setup" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--ttl", "0"], ["--ttl", "100000"], ["--role", "root"]])
def test_a_token_that_must_not_exist_is_not_issued(arguments: list[str], key: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        token.main(["--tenant", "acme", "--role", "auditor", *arguments])
    assert ended.value.code == 2


def test_claims_are_laid_over_and_null_takes_one_away(key: Any, capsys: pytest.CaptureFixture[str]) -> None:
    claims = '{"exp": null, "sub": "x"}'
    assert token.main(["--tenant", "acme", "--role", "auditor", "--audience", "b", "--claims", claims]) == 0
    said = json.loads(decoded(capsys.readouterr().out.split(".")[1]))
    assert "exp" not in said
    assert (said["sub"], said["aud"], said["role"]) == ("x", "b", "auditor")


@pytest.mark.parametrize("claims", ["", "[]", "{", "7"])
def test_claims_that_are_no_object_are_refused(claims: str, key: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        token.main(["--tenant", "acme", "--role", "auditor", "--claims", claims])
    assert ended.value.code == 2
