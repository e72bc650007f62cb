"""Certificates that strict clients accept, renewed in time and only then."""

import datetime
import shutil
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from procedures import certificates
from procedures.setup_step import SetupFailed

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


def writer(folder: Path) -> Callable[[str, bytes], None]:
    def write(name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert certificates.ensure(tmp_path, writer(tmp_path), now=NOW) == ["authority", "gateway", "database"]
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def load_key(path: Path) -> certificates.Key:
    return load_pem_private_key(path.read_bytes(), password=None)


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


def test_a_renewal_keeps_the_key_and_the_names_of_what_it_renews(folder: Path) -> None:
    own = replace(certificates.LEAVES[0], names=("localhost", "gateway", "docs.example.com"))
    key = load_key(folder / "gateway_tls.pem").public_key()
    issue(folder, own)
    certificates.ensure(folder, writer(folder), now=NOW + datetime.timedelta(days=368))
    renewed = load(folder / "gateway_tls.pem")
    assert renewed.not_valid_before_utc > NOW
    names = renewed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "docs.example.com" in names.get_values_for_type(x509.DNSName)
    assert load_key(folder / "gateway_tls.pem").public_key() == key


@pytest.mark.parametrize(
    ("missing", "made"),
    [
        (["ca.key"], []),
        (["ca.crt"], ["authority"]),
        (["gateway_tls.pem"], ["gateway"]),
        (["database_tls.crt"], ["database"]),
        (["database_tls.key", "database_tls.crt"], ["database"]),
        (["ca.key", "ca.crt", "gateway_tls.pem", "database_tls.crt"], ["authority", "gateway", "database"]),
    ],
)
def test_what_is_missing_is_made_and_nothing_else_is_touched(folder: Path, missing: list[str], made: list[str]) -> None:
    before = contents(folder)
    for name in missing:
        (folder / name).unlink()
    assert certificates.ensure(folder, writer(folder), now=NOW) == made
    after = contents(folder)
    assert {name for name in after if after[name] != before[name]} <= set(missing)
    assert certificates.ensure(folder, writer(folder), now=NOW) == []


Spoil = Callable[[Path], None]


def broken(name: str) -> Spoil:
    return lambda folder: (folder / name).write_text("not a certificate")


def without(*names: str) -> Spoil:
    return lambda folder: [(folder / name).unlink() for name in names] and None


def of_another(*names: str) -> Spoil:
    """Files of another machine's set-up, good among themselves."""

    def spoil(folder: Path) -> None:
        other = folder / "other"
        other.mkdir()
        certificates.ensure(other, writer(other), now=NOW)
        for name in names:
            (folder / name).write_bytes((other / name).read_bytes())
        shutil.rmtree(other)

    return spoil


def issue(folder: Path, leaf: certificates.Leaf, *, now: datetime.datetime = NOW) -> None:
    """A certificate of the folder's own authority, as somebody else might have it made."""
    authority = certificates.Authority(load(folder / "ca.crt"), load_key(folder / "ca.key"))
    certificate, key = certificates._issue(folder, leaf, authority, now, None, frozenset())
    (folder / leaf.certificate).write_bytes(certificate + key if leaf.key == leaf.certificate else certificate)


def nameless(folder: Path) -> None:
    issue(folder, replace(certificates.LEAVES[0], names=("gateway",)))


def later(folder: Path) -> None:
    issue(folder, certificates.LEAVES[0], now=NOW + datetime.timedelta(days=2))


def earlier(folder: Path) -> None:
    issue(folder, certificates.LEAVES[0], now=NOW - datetime.timedelta(days=400))


@pytest.mark.parametrize(
    ("spoil", "says", "mend"),
    [
        (broken("ca.key"), "ca.key holds no private key", "--rotate ca.key"),
        (broken("ca.crt"), "ca.crt holds no certificate", "--rotate ca.crt"),
        (broken("gateway_tls.pem"), "gateway_tls.pem holds no certificate", "--rotate gateway_tls.pem"),
        (broken("database_tls.key"), "database_tls.key holds no private key", "--rotate database_tls.key"),
        (without("database_tls.key"), "database_tls.key is missing, but its certificate", "--rotate database_tls.crt"),
        (without("ca.key", "ca.crt"), "ca.crt is missing, but", "--rotate ca.crt"),
        (without("ca.key", "gateway_tls.pem"), "gateway_tls.pem is missing, and without", "--rotate ca.crt"),
        (of_another("ca.key"), "ca.key is not the key of", "--rotate ca.crt"),
        (of_another("database_tls.key"), "does not belong to the certificate", "--rotate database_tls.crt"),
        (of_another("gateway_tls.pem"), "gateway_tls.pem: the certificate is not signed by", "--rotate gateway_tls.pem"),
        (of_another("ca.crt", "ca.key"), "the certificate is not signed by", "--rotate gateway_tls.pem"),
        (nameless, "gateway_tls.pem: the certificate does not name localhost", "--rotate gateway_tls.pem"),
        (earlier, "gateway_tls.pem: the certificate ended on 2029-12-28", "--rotate gateway_tls.pem"),
        (later, "gateway_tls.pem: the certificate is not valid before 2030-01-02 23:00 UTC", "--rotate gateway_tls.pem"),
    ],
)  # fmt: skip
def test_what_is_there_and_wrong_is_named_and_nothing_is_made_in_its_place(
    folder: Path, spoil: Spoil, says: str, mend: str
) -> None:
    spoil(folder)
    before = contents(folder)
    with pytest.raises(SetupFailed) as caught:
        certificates.ensure(folder, writer(folder), now=NOW)
    assert says in caught.value.sentence
    assert caught.value.mend.endswith(f"scripts/prepare.sh {mend}")
    assert contents(folder) == before
    both = {"database_tls.crt"} if says == "the certificate is not signed by" else set()
    certificates.ensure(folder, writer(folder), now=NOW, rotate={mend.removeprefix("--rotate ")} | both)
    assert certificates.ensure(folder, writer(folder), now=NOW) == []


def test_certificates_of_an_authority_that_is_elsewhere_are_taken_as_they_are(folder: Path) -> None:
    (folder / "ca.key").unlink()
    soon = NOW + datetime.timedelta(days=380)
    assert certificates.ensure(folder, writer(folder), now=soon) == []


def test_a_certificate_of_a_few_days_is_signed_and_kept_nowhere(folder: Path) -> None:
    before = contents(folder)
    pem = certificates.gateway(folder, now=NOW, days=5)
    certificate = x509.load_pem_x509_certificate(pem)
    assert (certificate.not_valid_after_utc - NOW).days == 4
    certificate.verify_directly_issued_by(load(folder / "ca.crt"))
    assert load_pem_private_key(pem, password=None).public_key() == certificate.public_key()
    assert contents(folder) == before
    (folder / "ca.key").unlink()
    with pytest.raises(SetupFailed, match="nothing can be signed"):
        certificates.gateway(folder, now=NOW, days=5)
