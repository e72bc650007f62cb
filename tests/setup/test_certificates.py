"""Certificates that strict clients accept, renewed in time and only then."""

import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from procedures import certificates

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


def writer(folder: Path) -> Callable[[str, bytes], None]:
    def write(name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert certificates.ensure(tmp_path, writer(tmp_path), now=NOW) == ["authority", "gateway", "database"]
    return tmp_path


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.mark.parametrize(
    ("file", "names", "addresses"),
    [
        ("gateway_tls.pem", {"localhost", "gateway"}, {"127.0.0.1", "::1"}),
        ("database_tls.crt", {"database", "localhost"}, set()),
    ],
)
def test_names_validity_and_signature(folder: Path, file: str, names: set[str], addresses: set[str]) -> None:
    certificate = load(folder / file)
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(found.get_values_for_type(x509.DNSName)) == names
    assert {str(address) for address in found.get_values_for_type(x509.IPAddress)} == addresses
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 397
    certificate.verify_directly_issued_by(load(folder / "ca.crt"))


def test_openssl_accepts_the_pairs_and_the_authority_under_strict_rules(folder: Path) -> None:
    for certificate, key in (("gateway_tls.pem", None), ("database_tls.crt", "database_tls.key")):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(folder / certificate, folder / key if key else None)
    strict = x509.verification.PolicyBuilder().store(x509.verification.Store([load(folder / "ca.crt")])).time(NOW)
    strict.build_server_verifier(x509.DNSName("localhost")).verify(load(folder / "gateway_tls.pem"), [])
    with pytest.raises(x509.verification.VerificationError):
        strict.build_server_verifier(x509.DNSName("example.com")).verify(load(folder / "gateway_tls.pem"), [])


@pytest.mark.parametrize(("days", "made"), [(0, []), (366, []), (368, ["gateway", "database"])])
def test_renewed_when_fewer_than_thirty_days_are_left(folder: Path, days: int, made: list[str]) -> None:
    later = NOW + datetime.timedelta(days=days)
    assert certificates.ensure(folder, writer(folder), now=later) == made


def test_a_clock_put_back_before_the_certificates_makes_new_ones(folder: Path) -> None:
    earlier = NOW - datetime.timedelta(days=2)
    assert certificates.ensure(folder, writer(folder), now=earlier) == ["authority", "gateway", "database"]


@pytest.mark.parametrize(
    ("file", "made"),
    [
        ("ca.key", ["authority", "gateway", "database"]),
        ("ca.crt", ["authority", "gateway", "database"]),
        ("gateway_tls.pem", ["gateway"]),
        ("database_tls.key", ["database"]),
        ("database_tls.crt", ["database"]),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_damage_is_mended_and_nothing_else_is_touched(folder: Path, file: str, made: list[str], damage: str) -> None:
    if damage == "missing":
        (folder / file).unlink()
    else:
        (folder / file).write_text("not a certificate")
    assert certificates.ensure(folder, writer(folder), now=NOW) == made
    assert certificates.ensure(folder, writer(folder), now=NOW) == []


def test_a_key_of_another_certificate_is_noticed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    certificates.ensure(other, writer(other), now=NOW)
    (folder / "database_tls.key").write_bytes((other / "database_tls.key").read_bytes())
    assert certificates.ensure(folder, writer(folder), now=NOW) == ["database"]
