"""TLS for the stack: an authority of its own, a certificate for the gateway and one for the database."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 397  # what browsers and Apple's platforms accept at most is 398
AUTHORITY_DAYS = 3650
RENEW_BEFORE_DAYS = 30
Writer = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate that a service shows: its names, and the files it and its key lie in."""

    title: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    certificate: str
    key: str  # the same file for services that want both in one


LEAVES = (
    Leaf("gateway", ("localhost", "gateway"), ("127.0.0.1", "::1"), "gateway_tls.pem", "gateway_tls.pem"),
    Leaf("database", ("database", "localhost"), (), "database_tls.crt", "database_tls.key"),
)


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority that signs the stack's certificates."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure(folder: Path, write: Writer, *, now: datetime.datetime) -> list[str]:
    """Make or renew what is missing, broken, of another authority or ends within 30 days; return what was made."""
    made: list[str] = []
    authority = _load_authority(folder)
    if authority is None or not _lasts(authority.certificate, now):
        authority = _new_authority(now)
        write("ca.key", _private(authority.key))
        write("ca.crt", _pem(authority.certificate))
        made.append("authority")
    for leaf in LEAVES:
        if not _good(folder, leaf, authority, now):
            certificate, key = _issue(leaf, authority, now)
            if leaf.key == leaf.certificate:
                write(leaf.certificate, certificate + key)
            else:
                write(leaf.key, key)
                write(leaf.certificate, certificate)
            made.append(leaf.title)
    return made


def expiry(folder: Path) -> datetime.datetime:
    """When the first of the stack's certificates ends (UTC). Raises OSError or ValueError when one is unreadable."""
    return min(_certificate(folder / leaf.certificate).not_valid_after_utc for leaf in LEAVES)


def _new_authority(now: datetime.datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("docjobs authority")
    usage = _usage(signs_certificates=True)
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def _issue(leaf: Leaf, authority: Authority, now: datetime.datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in leaf.names]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in leaf.addresses]
    signer = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(_name(leaf.title), authority.certificate.subject, key.public_key(), now, VALID_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _pem(certificate), _private(key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    # An hour back: a container's host may run a little behind the machine that made the certificate.
    begin = now - datetime.timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _load_authority(folder: Path) -> Authority | None:
    """The authority on disk; None when it is missing, unreadable, or key and certificate do not belong together."""
    try:
        certificate, key = _certificate(folder / "ca.crt"), _key(folder / "ca.key")
    except (OSError, ValueError):
        return None
    return Authority(certificate, key) if key.public_key() == certificate.public_key() else None


def _good(folder: Path, leaf: Leaf, authority: Authority, now: datetime.datetime) -> bool:
    try:
        certificate = _certificate(folder / leaf.certificate)
        certificate.verify_directly_issued_by(authority.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, InvalidSignature, x509.ExtensionNotFound):
        return False
    complete = set(leaf.names) <= set(names.get_values_for_type(x509.DNSName))
    return complete and _belongs(folder / leaf.key, certificate) and _lasts(certificate, now)


def _belongs(path: Path, certificate: x509.Certificate) -> bool:
    """Whether the key is the certificate's; a key that was handed over to root and its group is taken as it is."""
    if path.is_file() and not os.access(path, os.R_OK):
        return True
    try:
        return _key(path).public_key() == certificate.public_key()
    except (OSError, ValueError):
        return False


def _lasts(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    end = certificate.not_valid_after_utc - datetime.timedelta(days=RENEW_BEFORE_DAYS)
    return certificate.not_valid_before_utc <= now < end


def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} holds a key of another kind")
    return key


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
