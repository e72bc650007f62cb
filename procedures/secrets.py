"""The stack's secrets: made once and whole, readable by the containers' group, never overwritten unasked.

What is there is examined first: one that is wrong ends set-up, and nothing is made in its place.
"""

from __future__ import annotations

import datetime
import os
import re
import secrets
from collections.abc import Sequence, Set
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from procedures import certificates, env_file, private_files
from procedures.setup_step import SetupFailed, Step
from procedures.shell import run

GROUP = 10000
PASSWORDS = (
    "db_superuser_password",
    "db_owner_password",
    "db_app_password",
    "db_readonly_password",
    "db_exporter_password",
    "db_backup_password",
    "backup_cipher_passphrase",
    "metrics_token",
)
SIGNING = ("jwt_private_key.pem", "jwt_public_key.pem")
TLS = ("ca.key", "ca.crt", "gateway_tls.pem", "database_tls.crt", "database_tls.key")
HOST_ONLY = frozenset({"jwt_private_key.pem", "ca.key"})  # never mounted into a container
ALL = (*PASSWORDS, *SIGNING, *TLS)
_MOUNTED_MODE = 0o440
_HOST_MODE = 0o400
_SHORTEST_PASSWORD = 12  # what the services accept for the database
_PUBLIC_KEY = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
# Without the passphrase that made them, the backups taken so far could not be read any more.
ROTATABLE = tuple(name for name in ALL if name != "backup_cipher_passphrase")


def folder_of(root: Path) -> Path:
    """The folder of the secrets: DOCJOBS_SECRETS of `.env`, or `.secrets` beside it."""
    return (root / (env_file.remembered(root, "DOCJOBS_SECRETS") or ".secrets")).resolve()


def ensure(root: Path, step: Step, *, rotate: Sequence[str] = (), folder: Path | None = None) -> None:
    """Make every secret that is missing and those of `rotate`; put modes and group right. `folder`: another than that of
    `.env`.

    Raises SetupFailed, before anything is made, where a secret that is there is wrong.
    """
    folder = folder or folder_of(root)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    private_files.sweep(folder, ALL)
    anew = frozenset(rotate)
    for name in sorted(set(ALL) - anew):
        _examine(folder / name)
    made = _generate(folder, anew)
    _own(root, folder)
    end = certificates.expiry(folder)
    what = f"made {', '.join(made)}" if made else "unchanged"
    step.found = f"{what}; certificates end {end:%Y-%m-%d}"


def _examine(path: Path) -> None:
    """Whether what is there can be a secret at all. SetupFailed when not."""
    if path.is_dir():
        raise SetupFailed(
            f"{path} is a folder: the engine makes one where a file that it mounts is missing.",
            f"rmdir {path} && scripts/prepare.sh",
        )
    if not path.exists():
        if path.is_symlink():
            raise SetupFailed(f"{path} is a link that leads nowhere.", f"rm {path} && scripts/prepare.sh")
        return
    if not os.access(path, os.R_OK):
        if path.stat().st_gid == GROUP:  # handed over, as the engine did for a user who is not root
            return
        raise SetupFailed(f"{path} cannot be read by this user.", f"sudo chown $(id -un) {path}")
    content = path.read_bytes().strip()
    if not content:
        again = f"rm {path} && scripts/prepare.sh"
        raise SetupFailed(f"{path} is empty.", f"put the secret there; or, if nothing uses it yet: {again}")
    if path.name.startswith("db_") and len(content) < _SHORTEST_PASSWORD:
        raise SetupFailed(
            f"{path} holds a password of fewer than {_SHORTEST_PASSWORD} characters, which the services refuse.",
            f"put a longer one there; or, if nothing uses it yet: {certificates.rotation(path.name)}",
        )


def _generate(folder: Path, anew: Set[str]) -> list[str]:
    def write(name: str, data: bytes) -> None:
        mode = _HOST_MODE if name in HOST_ONLY else _MOUNTED_MODE
        private_files.write(folder / name, data, mode=mode, group=_group(name))

    keys = _signing_pair(folder, anew)  # before anything is written: it may be refused
    made = certificates.ensure(folder, write, now=datetime.datetime.now(datetime.UTC), rotate=anew)
    for name, data in keys.items():
        write(name, data)
    passwords = [name for name in PASSWORDS if name in anew or not (folder / name).is_file()]
    for name in passwords:
        write(name, secrets.token_urlsafe(32).encode())
    return [*passwords, *(["signing key"] if keys else []), *made]


def _group(name: str) -> int | None:
    return GROUP if os.geteuid() == 0 and name not in HOST_ONLY else None


def _signing_pair(folder: Path, anew: Set[str]) -> dict[str, bytes]:
    """The files of the signing key that are missing or in `anew`. SetupFailed where those that are there are wrong."""
    private, public = (folder / name for name in SIGNING)
    mend = f"put its counterpart there; or, which ends every token: {certificates.rotation(SIGNING[0])}"
    if anew & set(SIGNING) or not (private.is_file() or public.is_file()):
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {private.name: pem, public.name: _public_pem(key)}
    if not private.is_file():
        raise SetupFailed(f"{private} is missing, but {public} is there.", mend)
    try:
        found = serialization.load_pem_private_key(private.read_bytes(), password=None)
    except (ValueError, TypeError):  # TypeError: it is encrypted
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise SetupFailed(f"{private} holds no Ed25519 private key in PEM form without a passphrase.", mend)
    if not public.is_file():
        return {public.name: _public_pem(found)}
    # During a rotation several keys are valid at once.
    if found.public_key() not in _public_keys(public):
        raise SetupFailed(f"{private} and {public} do not belong together: no token would be accepted.", mend)
    return {}


def _public_keys(path: Path) -> list[PublicKeyTypes]:
    """Every key in the file; a block that is none counts for nothing."""
    found = []
    for block in _PUBLIC_KEY.findall(path.read_bytes()):
        try:
            found.append(serialization.load_pem_public_key(block))
        except (ValueError, UnsupportedAlgorithm):
            continue
    return found


def _public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _own(root: Path, folder: Path) -> None:
    """Modes and group as the containers need them, also for files that a user put there."""
    wrong = [name for name in ALL if name not in HOST_ONLY and (folder / name).stat().st_gid != GROUP]
    if os.geteuid() == 0:
        for name in ALL:
            _set(folder / name, group=GROUP if name in wrong else -1)
    elif wrong:
        _own_through_engine(root, folder, wrong)


def _set(path: Path, *, group: int) -> None:
    """Mode and group of one file. SetupFailed where the file system refuses: its container could not read it."""
    try:
        os.chown(path, -1, group)
        path.chmod(_HOST_MODE if path.name in HOST_ONLY else _MOUNTED_MODE)
    except OSError as error:
        raise SetupFailed(
            f"{path} cannot be made readable for group {GROUP} and nobody else: {error.strerror}.",
            f"lsattr {path}; or name a folder on a file system that knows owners as DOCJOBS_SECRETS in .env",
        ) from None


def _own_through_engine(root: Path, folder: Path, names: Sequence[str]) -> None:
    """Without root only the engine may give files to another group; PostgreSQL wants its key to be root's."""
    image = env_file.remembered(root, "BASE_IMAGE")
    script = f'cd /secrets && chgrp {GROUP} "$@" && chmod 0440 "$@" && chown root database_tls.key'
    argv = ["docker", "run", "--rm", "--network", "none", "--user", "0", "--cap-drop", "ALL"]
    argv += ["--cap-add", "CHOWN", "--cap-add", "FOWNER", "--cap-add", "DAC_OVERRIDE"]
    argv += ["--label", "readygate.setup=secrets", "--volume", f"{folder}:/secrets", image]
    done = run([*argv, "sh", "-c", script, "secrets", *names], timeout_s=60)
    if not done.ok:
        raise SetupFailed(
            f"The secrets could not be given to group {GROUP}: {' '.join(done.last_lines(1))}.",
            f"sudo chgrp {GROUP} {folder}/*, then: make setup",
        )
