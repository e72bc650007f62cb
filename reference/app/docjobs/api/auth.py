"""Who asks: an EdDSA-signed bearer token names the tenant, the subject and the role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal, cast

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from docjobs.api.problems import Problem
from docjobs.api.revocations import Revocations
from docjobs.store.reading import Sight

Role = Literal["submitter", "operator", "auditor"]
_ROLES = ("submitter", "operator", "auditor")
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LEEWAY_S = 5
_CLAIMS = ["iss", "aud", "sub", "tenant", "role", "iat", "nbf", "exp", "jti"]
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the token proves."""

    tenant: str
    subject: str
    role: Role

    @property
    def sight(self) -> Sight:
        """Submitters see their own jobs; operators and auditors all of their tenant."""
        return Sight(self.tenant, self.subject if self.role == "submitter" else None)


class Keys:
    """The public keys of the token issuer, read again when their file changes: a rotation needs no restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._keys: list[bytes] = []

    def current(self) -> list[bytes]:
        """Every key in the file; several are valid at once during a rotation."""
        changed = self._path.stat().st_mtime_ns
        if changed != self._read_at:
            self._keys = _PEM.findall(self._path.read_bytes())
            self._read_at = changed
        return self._keys


_bearer = HTTPBearer(bearerFormat="JWT", auto_error=False, description="EdDSA-signed JWT with tenant and role")


def _unauthorised(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorised", detail, {"WWW-Authenticate": 'Bearer realm="docjobs"'})


async def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """The caller of this request; raises a 401 problem that does not say which check failed."""
    if credentials is None:
        raise _unauthorised("a bearer token is required")
    claims = _verified(request.app.state.keys.current(), credentials.credentials)
    tenant, subject, role = claims.get("tenant"), claims.get("sub"), claims.get("role")
    if not (isinstance(tenant, str) and _TENANT.fullmatch(tenant) and isinstance(subject, str) and subject):
        raise _unauthorised("the token is not valid")
    if role not in _ROLES:
        raise _unauthorised("the token is not valid")
    revoked: Revocations = request.app.state.lookout.revocations
    if revoked.covers(str(claims["jti"]), tenant, subject, float(str(claims["iat"]))):
        raise _unauthorised("the token is not valid")
    request.state.tenant, request.state.subject = tenant, subject
    return Caller(tenant, subject, cast("Role", role))


def _verified(keys: list[bytes], token: str) -> dict[str, object]:
    for key in keys:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience="docjobs-api",
                issuer="docjobs",
                leeway=_LEEWAY_S,
                options={"require": _CLAIMS},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as error:
            raise _unauthorised("the token is not valid") from error
    raise _unauthorised("the token is not valid")


def _allowed(*roles: Role) -> object:
    async def check(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if who.role not in roles:
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", f"the role {who.role} may not do this")
        return who

    return Depends(check)


Reader = Annotated[Caller, _allowed("submitter", "operator", "auditor")]
Submitter = Annotated[Caller, _allowed("submitter", "operator")]
Operator = Annotated[Caller, _allowed("operator")]
