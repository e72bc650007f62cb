"""Puts a new secret in the place of one in use, under traffic, so that the old one can be ended without a restart.

Every file is written where it lies: a container that has it mounted would not see one that was moved into its place. The
services read the password anew for each connection and the public keys whenever their file changes.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from procedures import private_files, token
from procedures.commands import COLOURS
from procedures.refusal import Refused, StepFailed
from procedures.system import System, object_in
from procedures.waiting import until

SIGNING_KEY = "signing-key"
DATABASE_ROLES = {"db_app_password": "docjobs_app"}
NAMES = (SIGNING_KEY, *DATABASE_ROLES)
_PUBLIC, _PRIVATE = "jwt_public_key.pem", token.KEY
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----\n?", re.DOTALL)
_SEEN_S = 10.0
_PAUSE_S = 0.2
_OK = 200
# So that the password stands in no log, whatever goes wrong.
SILENT = "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';"
# Asks the API in its own container; the token comes on standard input with the script, so that no list of processes has it.
_ASK = """
import urllib.error, urllib.request
request = urllib.request.Request("http://127.0.0.1:8000/v1/jobs?limit=1", headers={{"Authorization": "Bearer {bearer}"}})
try:
    print('{{"status": %d}}' % urllib.request.urlopen(request, timeout=5).status)
except urllib.error.HTTPError as error:
    print('{{"status": %d}}' % error.code)
"""


@dataclass(frozen=True, slots=True)
class Rotation:
    """One secret of an instance, by its name among NAMES."""

    system: System
    folder: Path
    name: str

    def begin(self) -> str:
        """Bring the new secret into use; returns what is to be done next, empty when nothing."""
        if self.name == SIGNING_KEY:
            self._new_key()
            return f"tokens of the old key are accepted until: scripts/rotate-secret.sh --retire {SIGNING_KEY}"
        self._new_password(DATABASE_ROLES[self.name])
        return ""

    def retire(self) -> str:
        """End the old secret. A password was ended when it was replaced, because a database role has one."""
        if self.name == SIGNING_KEY:
            self._only_the_new_key()
        return ""

    def _new_key(self) -> None:
        """Let the new public key be accepted first, and sign with the new private one when every API does accept it."""
        key, public = _key_pair()
        before = (self.folder / _PUBLIC).read_bytes()
        # Behind what is there: whoever reads in the middle of it has the old key whole.
        write_in_place(self.folder / _PUBLIC, before.rstrip(b"\n") + b"\n" + public)
        aside = self.folder / f".{_PRIVATE}.new"
        private_files.write(aside, key, mode=0o400)
        try:
            self._await(aside)
            aside.replace(self.folder / _PRIVATE)
        except BaseException:
            aside.unlink(missing_ok=True)
            write_in_place(self.folder / _PUBLIC, before)
            raise

    def _only_the_new_key(self) -> None:
        """Leave the one public key that belongs to the private one, and make sure that the others are refused."""
        wanted = _public_of((self.folder / _PRIVATE).read_bytes())
        before = (self.folder / _PUBLIC).read_bytes()
        if wanted not in before:
            raise Refused(f"{_PRIVATE} and {_PUBLIC} do not belong together: no token would be accepted", "make setup")
        blocks = _PEM.findall(before)
        # Over the first one first, which is as long: whoever reads in the middle of it has the new key whole.
        write_in_place(self.folder / _PUBLIC, wanted * len(blocks))
        write_in_place(self.folder / _PUBLIC, wanted)
        self._await(self.folder / _PRIVATE)

    def _await(self, key: Path) -> None:
        """Wait until the API of each colour that runs accepts a token of the key."""
        for colour in COLOURS:
            if any(each.running and each.service == f"api-{colour}" for each in self.system.containers(colour)):
                until(
                    partial(self._accepted, colour, key),
                    within_s=_SEEN_S,
                    every_s=_PAUSE_S,
                    saying=f"api-{colour} does not accept the new key".__str__,
                )

    def _accepted(self, colour: str, key: Path) -> bool | None:
        return True if self._status(colour, key) == _OK else None

    def _status(self, colour: str, key: Path) -> int:
        said = token.claims(tenant="rotation", role="auditor", subject="rotation", ttl_s=60, at=time.time())
        script = _ASK.format(bearer=token.signed(said, key))
        return int(object_in(self.system.ask(self.system.compose.script(f"api-{colour}"), text=script))["status"])

    def _new_password(self, role: str) -> None:
        """The file and the role, as close together as can be: between them a new connection is tried again, and those that
        are open stay. Where the database refuses, the file is as it was."""
        path, password = self.folder / self.name, secrets.token_urlsafe(32)
        before = path.read_bytes()
        statement = f"ALTER ROLE {role} PASSWORD '{password}'"
        write_in_place(path, password.encode())
        try:
            answer = self.system.ask(self.system.compose.sql(), text=f"{SILENT}\n{statement};\n")
            if not answer.ok:
                raise StepFailed(f"the database did not take the new password of {role} (exit status {answer.status})")
        except BaseException:
            write_in_place(path, before)
            raise


def write_in_place(path: Path, data: bytes) -> None:
    """Write a file where it lies, in one call, so that mounts of it see the change; readers see the old or the new content
    as far as both are equally long. Its time is another afterwards, however quickly it follows the last. Raises OSError."""
    mode = path.stat().st_mode & 0o777
    path.chmod(mode | 0o200)
    try:
        handle = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(handle, data, 0)
            os.ftruncate(handle, len(data))
            os.fsync(handle)
        finally:
            os.close(handle)
        now = time.time_ns()
        os.utime(path, ns=(now, now))
    finally:
        path.chmod(mode)


def _key_pair() -> tuple[bytes, bytes]:
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    except ImportError:
        raise Refused("this Python has no `cryptography`", "make setup") from None
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, _public_of(pem)


def _public_of(private: bytes) -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    key = serialization.load_pem_private_key(private, password=None)
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
