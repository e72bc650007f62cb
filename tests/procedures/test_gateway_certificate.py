"""The gateway's certificate put in while it runs: what it is given, and what is said when it refuses."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
from cryptography import x509

from procedures import certificates, gateway_certificate

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    certificates.ensure(secrets, lambda name, data: (secrets / name).write_bytes(data) and None, now=NOW)
    monkeypatch.setenv("DOCJOBS_SECRETS", str(secrets))
    return secrets


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that keeps what it was told and given; its status is what the file `status` says."""
    tool = tmp_path / "bin" / "docker"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/told\ncat > {tmp_path}/given\nexit $(cat {tmp_path}/status)\n')
    tool.chmod(0o755)
    (tmp_path / "status").write_text("0")
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    return tmp_path


def given(gateway: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((gateway / "given").read_bytes())


def test_the_one_in_the_folder_is_shown(folder: Path, gateway: Path) -> None:
    assert gateway_certificate.main([]) == 0
    assert (gateway / "given").read_bytes() == (folder / "gateway_tls.pem").read_bytes()
    assert (gateway / "told").read_text().split()[-4:] == ["exec", "-T", "gateway", "gateway-certificate"]


def test_one_that_ends_soon_is_signed_by_the_same_authority(folder: Path, gateway: Path) -> None:
    before = (folder / "gateway_tls.pem").read_bytes()
    assert gateway_certificate.main(["--days", "5"]) == 0
    assert (given(gateway).not_valid_after_utc - NOW).days == 4
    given(gateway).verify_directly_issued_by(x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes()))
    assert (folder / "gateway_tls.pem").read_bytes() == before


def test_a_gateway_that_refuses_is_told(folder: Path, gateway: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (gateway / "status").write_text("1")
    assert gateway_certificate.main([]) == 1
    assert "the gateway did not take the certificate" in capsys.readouterr().err


def test_without_a_certificate_nothing_is_asked(
    folder: Path, gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "gateway_tls.pem").unlink()
    assert gateway_certificate.main([]) == 2
    assert "cannot read" in capsys.readouterr().err
    assert not (gateway / "told").exists()


@pytest.mark.parametrize("days", ["-1", "398", "five"])
def test_days_that_no_certificate_has_are_refused(days: str) -> None:
    with pytest.raises(SystemExit) as ended:
        gateway_certificate.main(["--days", days])
    assert ended.value.code == 2
