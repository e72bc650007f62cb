"""Issues a token of the API, signed with the key that never leaves this machine."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from procedures import environment
from procedures.refusal import Refused

ROLES = ("submitter", "operator", "auditor")
ISSUER = "docjobs"
AUDIENCE = "docjobs-api"
KEY = "jwt_private_key.pem"
LONGEST_S = 86_400
_SKEW_S = 5  # a server whose clock is a little behind must take a fresh token


def claims(*, tenant: str, role: str, subject: str, ttl_s: int, at: float) -> dict[str, Any]:
    """What a token issued at `at` (seconds since 1970) says."""
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "tenant": tenant,
        "role": role,
        "iat": int(at),
        "nbf": int(at) - _SKEW_S,
        "exp": int(at) + ttl_s,
        "jti": str(uuid.uuid4()),
    }


def signed(payload: Mapping[str, Any], key_file: Path) -> str:
    """The compact JWT (EdDSA). Refused when the key cannot be read or is no Ed25519 key."""
    try:  # here and not above: without set-up this has to end in a sentence
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    except ImportError:
        raise Refused("this Python has no `cryptography`", "make setup") from None
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except OSError as error:
        raise Refused(f"cannot read the signing key {key_file}: {error.strerror}", "make setup") from None
    except ValueError:
        raise Refused(f"{key_file} holds no private key", "make setup, after removing that file") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"{key_file} holds no Ed25519 key", "make setup, after removing that file")
    head = _encoded({"alg": "EdDSA", "typ": "JWT"}) + "." + _encoded(payload)
    return head + "." + _base64(key.sign(head.encode()))


def secrets_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the secrets are: $DOCJOBS_SECRETS, else what the environment file says, else .secrets."""
    if environ.get("DOCJOBS_SECRETS"):
        return Path(environ["DOCJOBS_SECRETS"])
    try:
        named = environment.read(environment.locate(environ)).get("DOCJOBS_SECRETS")
    except Refused:
        named = None
    return Path(named or ".secrets")


def main(arguments: list[str]) -> int:
    """Print one token; exit status 2 when it cannot be issued."""
    parser = argparse.ArgumentParser(prog="scripts/token.sh", description=__doc__)
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--role", required=True, choices=ROLES)
    parser.add_argument("--subject", default="", help="who the token is for (default: the role at the tenant)")
    parser.add_argument("--ttl", type=int, default=600, metavar="SECONDS", help="how long it is valid (default: 600)")
    parser.add_argument("--audience", default=AUDIENCE, help=f"whom the token is meant for (default: {AUDIENCE})")
    parser.add_argument(
        "--claims",
        type=_object,
        default={},
        metavar="JSON",
        help="laid over the token's claims, null takes one away: for tests of what the API must refuse",
    )
    given = parser.parse_args(arguments)
    if not 1 <= given.ttl <= LONGEST_S:
        parser.error(f"--ttl {given.ttl}: not from 1 to {LONGEST_S}")
    subject = given.subject or f"{given.role}@{given.tenant}"
    payload = claims(tenant=given.tenant, role=given.role, subject=subject, ttl_s=given.ttl, at=time.time())
    payload |= {"aud": given.audience} | given.claims
    payload = {name: value for name, value in payload.items() if value is not None}
    try:
        sys.stdout.write(signed(payload, secrets_folder() / KEY) + "\n")
    except Refused as error:
        sys.stderr.write(f"token.sh: {error}\n")
        return 2
    return 0


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("is no JSON object")
    return value


def _encoded(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
