"""Secrets appear whole, with the modes the containers need, and are never overwritten unasked."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from procedures import private_files, secrets
from procedures.setup_step import Step

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to the group of the containers")
ROOT = Path(__file__).resolve().parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    secrets.ensure(tmp_path, Step("secrets"))
    return tmp_path / ".secrets"


@as_root
def test_every_secret_of_the_compose_file_is_made(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == set(secrets.ALL)
    compose = (ROOT / "docker-compose.prod.yml").read_text(encoding="utf-8")
    mounted = {line.split("}/")[1].split('"')[0] for line in compose.splitlines() if "${DOCJOBS_SECRETS" in line}
    assert mounted
    assert mounted <= set(secrets.ALL) - secrets.HOST_ONLY


@as_root
def test_modes_and_group(made: Path) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    for name in secrets.ALL:
        status = (made / name).stat()
        expected = (0o400, 0) if name in secrets.HOST_ONLY else (0o440, secrets.GROUP)
        assert (stat.S_IMODE(status.st_mode), status.st_gid) == expected, name


@as_root
def test_a_second_run_changes_nothing(tmp_path: Path, made: Path) -> None:
    before = contents(made)
    step = Step("secrets")
    secrets.ensure(tmp_path, step)
    assert contents(made) == before
    assert step.found.startswith("unchanged")


@as_root
def test_modes_that_a_user_changed_are_put_right(tmp_path: Path, made: Path) -> None:
    (made / "metrics_token").chmod(0o644)
    os.chown(made / "metrics_token", 0, 0)
    secrets.ensure(tmp_path, Step("secrets"))
    status = (made / "metrics_token").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_gid) == (0o440, secrets.GROUP)


@as_root
def test_rotation_touches_only_what_was_named(tmp_path: Path, made: Path) -> None:
    before = contents(made)
    secrets.ensure(tmp_path, Step("secrets"), rotate=["metrics_token"])
    after = contents(made)
    assert {name for name in after if after[name] != before[name]} == {"metrics_token"}


@as_root
def test_a_new_authority_signs_everything_anew(tmp_path: Path, made: Path) -> None:
    before = contents(made)
    secrets.ensure(tmp_path, Step("secrets"), rotate=["ca.key"])
    after = contents(made)
    assert {name for name in after if after[name] != before[name]} == set(secrets.TLS)


def test_the_passphrase_of_the_backups_cannot_be_rotated_away() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "procedures.setup", "stack", "--rotate", "backup_cipher_passphrase"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "cannot rotate backup_cipher_passphrase" in done.stderr


@as_root
def test_passwords_are_long_and_all_different_and_the_signing_keys_belong_together(made: Path) -> None:
    passwords = [(made / name).read_text() for name in secrets.PASSWORDS]
    assert min(map(len, passwords)) >= 40
    assert len(set(passwords)) == len(passwords)
    private = serialization.load_pem_private_key((made / "jwt_private_key.pem").read_bytes(), password=None)
    public = serialization.load_pem_public_key((made / "jwt_public_key.pem").read_bytes())
    assert private.public_key() == public


@as_root
def test_an_empty_secret_left_by_a_full_disk_is_made_again(tmp_path: Path, made: Path) -> None:
    (made / "db_app_password").chmod(0o640)
    (made / "db_app_password").write_bytes(b"")
    secrets.ensure(tmp_path, Step("secrets"))
    assert (made / "db_app_password").stat().st_size > 0


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        private_files.write(path, b"new", mode=0o440)
    assert contents(tmp_path) == {"secret": b"old"}


@as_root
@pytest.mark.parametrize("after_s", [0.0, 0.005, 0.01, 0.02, 0.04])
def test_kill_9_midway_leaves_no_half_file_and_the_next_run_completes(tmp_path: Path, after_s: float) -> None:
    code = (
        "import sys; from pathlib import Path; from procedures import secrets; from procedures.setup_step import Step\n"
        "print('go', flush=True)\n"
        "secrets.ensure(Path(sys.argv[1]), Step('secrets'))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
    folder = tmp_path / ".secrets"
    early = contents(folder) if folder.is_dir() else {}
    whole = {name: data for name, data in early.items() if not name.startswith(".")}
    assert all(whole.values()), "a file under its own name is never empty"
    secrets.ensure(tmp_path, Step("secrets"))
    late = contents(folder)
    assert set(late) == set(secrets.ALL), "nothing is missing and no temporary file is left"
    kept = set(whole) & set(secrets.PASSWORDS)
    assert all(late[name] == whole[name] for name in kept)
