"""TLS for the stack: an authority of its own, a certificate for the gateway and one for the database."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from procedures.setup_step import SetupFailed

VALID_DAYS = 397  # what browsers and Apple's platforms accept at most is 398
AUTHORITY_DAYS = 3650
RENEW_BEFORE_DAYS = 30
Writer = Callable[[str, bytes], None]
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


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
    """The authority that signs the stack's certificates; without its key it cannot sign any more."""

    certificate: x509.Certificate
    key: Key | None


def ensure(folder: Path, write: Writer, *, now: datetime.datetime, rotate: Set[str] = frozenset()) -> list[str]:
    """Make what is missing or in `rotate`, renew what ends within 30 days; return what was made.

    What is there and wrong is never replaced: SetupFailed says which file, and nothing was changed.
    """
    anew = _whole(rotate)
    authority, made = _authority(folder, now, anew)
    leaves = [(leaf, _present(folder, leaf, authority, now, anew)) for leaf in LEAVES]
    due = [(leaf, present) for leaf, present in leaves if present is None or _ends_soon(present, now)]
    issued = [(leaf, *_issue(folder, leaf, authority, now, present, anew)) for leaf, present in due if authority.key]
    lacking = next((leaf for leaf, present in due if present is None and authority.key is None), None)
    if lacking:
        raise SetupFailed(
            f"{folder / lacking.certificate} is missing, and without {folder / 'ca.key'} it cannot be made.",
            f"put one there that {folder / 'ca.crt'} has signed; or {rotation('ca.crt')}",
        )
    if made:
        assert authority.key is not None  # noqa: S101  (it was made with it)
        write("ca.key", _private(authority.key))
        write("ca.crt", _pem(authority.certificate))
    for leaf, certificate, key in issued:
        if leaf.key == leaf.certificate:
            write(leaf.certificate, certificate + key)
        else:
            write(leaf.key, key)
            write(leaf.certificate, certificate)
    return [*made, *(leaf.title for leaf, _, _ in issued)]


def gateway(folder: Path, *, now: datetime.datetime, days: int = VALID_DAYS) -> bytes:
    """A certificate of so many days for the gateway, with its key, signed like the one in the folder and kept nowhere.

    Raises SetupFailed without the authority's key.
    """
    authority, _ = _authority(folder, now, frozenset())
    if authority.key is None:
        raise SetupFailed(f"{folder / 'ca.key'} is missing: nothing can be signed.", "put it there")
    leaf = LEAVES[0]
    return b"".join(_issue(folder, leaf, authority, now, _certificate(folder / leaf.certificate), frozenset(), days))


def rotation(name: str) -> str:
    """The command that makes a secret anew."""
    return f"scripts/prepare.sh --rotate {name}"


def expiry(folder: Path) -> datetime.datetime:
    """When the first of the stack's certificates ends (UTC). Raises OSError or ValueError when one is unreadable."""
    return min(_certificate(folder / leaf.certificate).not_valid_after_utc for leaf in LEAVES)


def _whole(names: Set[str]) -> Set[str]:
    """What has to be made anew together: a pair, or everything with the authority."""
    pairs = [{leaf.certificate, leaf.key} for leaf in LEAVES]
    if names & {"ca.key", "ca.crt"}:
        return {"ca.key", "ca.crt"}.union(*pairs)
    return set[str]().union(*(pair for pair in pairs if pair & names))


def _authority(folder: Path, now: datetime.datetime, anew: Set[str]) -> tuple[Authority, list[str]]:
    """The authority on disk, or one that is made or renewed and not written yet. Raises SetupFailed."""
    file = folder / "ca.crt"
    key = _key(folder / "ca.key") if _there(folder, "ca.key", anew) else None
    if not _there(folder, "ca.crt", anew):
        orphan = next((leaf.certificate for leaf in LEAVES if _there(folder, leaf.certificate, anew)), "")
        if key is None and orphan:
            raise SetupFailed(
                f"{file} is missing, but {folder / orphan} is there: who signed it cannot be checked.",
                f"put {file} back; or {rotation('ca.crt')}",
            )
        key = key or ec.generate_private_key(ec.SECP256R1())
        return Authority(_self_signed(key, now), key), ["authority"]
    certificate = _certificate(file)
    if key is not None and key.public_key() != certificate.public_key():
        raise SetupFailed(
            f"{folder / 'ca.key'} is not the key of {file}.", f"put its key there; or {rotation('ca.crt')}"
        )
    _check_time(file, certificate, now)
    if key is not None and _ends_soon(certificate, now):
        return Authority(_self_signed(key, now), key), ["authority"]
    return Authority(certificate, key), []


def _present(
    folder: Path, leaf: Leaf, authority: Authority, now: datetime.datetime, anew: Set[str]
) -> x509.Certificate | None:
    """The certificate on disk, which is good, or None where there is none. Raises SetupFailed."""
    file = folder / leaf.certificate
    if not _there(folder, leaf.certificate, anew):
        return None
    certificate = _certificate(file)
    mend = f"put the right one there; or {rotation(leaf.certificate)}"
    key_file = folder / leaf.key
    if not key_file.is_file():
        raise SetupFailed(f"{key_file} is missing, but its certificate {file} is there.", mend)
    if not _handed_over(key_file) and _key(key_file).public_key() != certificate.public_key():
        inside = "holds a key that" if key_file == file else f"{key_file} holds a key that"
        raise SetupFailed(f"{file}: {inside} does not belong to the certificate.", mend)
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        raise SetupFailed(f"{file}: the certificate is not signed by {folder / 'ca.crt'}.", mend) from None
    _check_time(file, certificate, now)
    lacking = [name for name in leaf.names if name not in _names(certificate)]
    if lacking:
        raise SetupFailed(f"{file}: the certificate does not name {' and '.join(lacking)}.", mend)
    return certificate


def _check_time(file: Path, certificate: x509.Certificate, now: datetime.datetime) -> None:
    mend = f"date, if the clock is wrong; else {rotation(file.name)}"
    if now < certificate.not_valid_before_utc:
        begin = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise SetupFailed(f"{file}: the certificate is not valid before {begin}.", mend)
    if now >= certificate.not_valid_after_utc:
        raise SetupFailed(f"{file}: the certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}.", mend)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return []
    return names.get_values_for_type(x509.DNSName)


def _self_signed(key: Key, now: datetime.datetime) -> x509.Certificate:
    name = _name("docjobs authority")
    return (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _issue(
    folder: Path,
    leaf: Leaf,
    authority: Authority,
    now: datetime.datetime,
    present: x509.Certificate | None,
    anew: Set[str],
    days: int = VALID_DAYS,
) -> tuple[bytes, bytes]:
    """A certificate and its key: the key that is there, and the names of the certificate that it renews."""
    assert authority.key is not None  # noqa: S101  (only called where it can sign)
    key_file = folder / leaf.key
    kept = leaf.key not in anew and key_file.is_file() and not _handed_over(key_file)
    key = _key(key_file) if kept else ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in leaf.names]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in leaf.addresses]
    alternative = x509.SubjectAlternativeName(names)
    if present is not None:
        alternative = present.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(present.subject if present else _name(leaf.title), authority.certificate.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(alternative, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(signer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _pem(certificate), _private(key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    # An hour back: a container's host may run a little behind the machine that made the certificate.
    begin = now - datetime.timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
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


def _there(folder: Path, name: str, anew: Set[str]) -> bool:
    return name not in anew and (folder / name).is_file()


def _handed_over(path: Path) -> bool:
    """Whether the key was given to root and its group, as PostgreSQL wants it: then it is taken as it is."""
    return not os.access(path, os.R_OK)


def _ends_soon(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    return now >= certificate.not_valid_after_utc - datetime.timedelta(days=RENEW_BEFORE_DAYS)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        mend = f"put one there; or {rotation(path.name)}"
        raise SetupFailed(f"{path} holds no certificate in PEM form.", mend) from None


def _key(path: Path) -> Key:
    mend = f"put one there; or {rotation(path.name)}"
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):  # TypeError: it is encrypted
        raise SetupFailed(f"{path} holds no private key in PEM form without a passphrase.", mend) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise SetupFailed(f"{path} holds a key that is neither RSA nor of an elliptic curve.", mend)
    return key


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
