"""The stack's secrets: made once and whole, readable by the containers' group, never overwritten unasked."""

from __future__ import annotations

import datetime
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
# Without the passphrase that made them, the backups taken so far could not be read any more.
ROTATABLE = tuple(name for name in ALL if name != "backup_cipher_passphrase")


def folder_of(root: Path) -> Path:
    """The folder of the secrets: DOCJOBS_SECRETS of `.env`, or `.secrets` beside it."""
    return (root / (env_file.remembered(root, "DOCJOBS_SECRETS") or ".secrets")).resolve()


def ensure(root: Path, step: Step, *, rotate: Sequence[str] = ()) -> None:
    """Make every secret that is missing and those of `rotate`; put modes and group right. Raises SetupFailed."""
    folder = folder_of(root)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    private_files.sweep(folder, ALL)
    made = _generate(folder, frozenset(rotate))
    _own(root, folder)
    end = certificates.expiry(folder)
    what = f"made {', '.join(made)}" if made else "unchanged"
    step.found = f"{what}; certificates end {end:%Y-%m-%d}"


def _generate(folder: Path, rotate: frozenset[str]) -> list[str]:
    def write(name: str, data: bytes) -> None:
        mode = _HOST_MODE if name in HOST_ONLY else _MOUNTED_MODE
        private_files.write(folder / name, data, mode=mode, group=_group(name))

    made = []
    for name in PASSWORDS:
        if name in rotate or not _filled(folder / name):
            write(name, secrets.token_urlsafe(32).encode())
            made.append(name)
    if rotate & set(SIGNING) or not all(_filled(folder / name) for name in SIGNING):
        private, public = _signing_pair()
        write("jwt_private_key.pem", private)
        write("jwt_public_key.pem", public)
        made.append("signing key")
    for name in rotate & set(TLS):
        (folder / name).unlink(missing_ok=True)
    return made + certificates.ensure(folder, write, now=datetime.datetime.now(datetime.UTC))


def _filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _group(name: str) -> int | None:
    return GROUP if os.geteuid() == 0 and name not in HOST_ONLY else None


def _signing_pair() -> tuple[bytes, bytes]:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public


def _own(root: Path, folder: Path) -> None:
    """Modes and group as the containers need them, also for files that a user put there."""
    wrong = [name for name in ALL if name not in HOST_ONLY and (folder / name).stat().st_gid != GROUP]
    if os.geteuid() == 0:
        for name in wrong:
            os.chown(folder / name, -1, GROUP)
        for name in ALL:
            (folder / name).chmod(_HOST_MODE if name in HOST_ONLY else _MOUNTED_MODE)
    elif wrong:
        _own_through_engine(root, folder, wrong)


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
