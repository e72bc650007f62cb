"""Secrets appear whole, with the modes the containers need, and are never overwritten unasked."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from procedures import private_files, secrets
from procedures.setup_step import COULD_NOT_RUN, SetupFailed, Step

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to the group of the containers")
ROOT = Path(__file__).resolve().parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names_and_contents(folder: Path) -> dict[str, bytes | None]:
    return {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}


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


def emptied(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(b" \n")


def a_folder_instead(folder: Path) -> None:
    (folder / "db_app_password").unlink()
    (folder / "db_app_password").mkdir()


def another_key(folder: Path) -> None:
    public = Ed25519PrivateKey.generate().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "jwt_public_key.pem").write_bytes(pem)


@as_root
@pytest.mark.parametrize(
    ("spoil", "says", "mend"),
    [
        (emptied("db_app_password"), "db_app_password is empty.", "&& scripts/prepare.sh"),
        (emptied("backup_cipher_passphrase"), "backup_cipher_passphrase is empty.", "&& scripts/prepare.sh"),
        (emptied("gateway_tls.pem"), "gateway_tls.pem is empty.", "&& scripts/prepare.sh"),
        (lambda folder: (folder / "db_app_password").write_text("short"), "fewer than 12", "--rotate db_app_password"),
        (a_folder_instead, "db_app_password is a folder", "&& scripts/prepare.sh"),
        (another_key, "do not belong together", "--rotate jwt_private_key.pem"),
        (lambda folder: (folder / "jwt_private_key.pem").unlink(), "is missing, but", "--rotate jwt_private_key.pem"),
        (lambda folder: (folder / "jwt_private_key.pem").write_text("x"), "no Ed25519", "--rotate jwt_private_key.pem"),
    ],
)
def test_a_wrong_secret_is_named_with_what_mends_it_and_nothing_is_made(
    tmp_path: Path, made: Path, spoil: Callable[[Path], None], says: str, mend: str
) -> None:
    (made / "metrics_token").unlink()
    spoil(made)
    before = names_and_contents(made)
    with pytest.raises(SetupFailed) as caught:
        secrets.ensure(tmp_path, Step("secrets"))
    assert says in caught.value.sentence
    assert str(made) in caught.value.sentence
    assert mend in caught.value.mend
    assert caught.value.status == COULD_NOT_RUN
    assert names_and_contents(made) == before


@as_root
def test_a_public_key_that_is_missing_is_taken_from_its_private_key(tmp_path: Path, made: Path) -> None:
    before = contents(made)
    (made / "jwt_public_key.pem").unlink()
    secrets.ensure(tmp_path, Step("secrets"))
    assert contents(made) == before


@as_root
def test_several_public_keys_are_valid_at_once(tmp_path: Path, made: Path) -> None:
    file = made / "jwt_public_key.pem"
    own = file.read_bytes()
    another_key(made)
    file.write_bytes(file.read_bytes() + own)
    before = contents(made)
    secrets.ensure(tmp_path, Step("secrets"))
    assert contents(made) == before


@as_root
def test_who_is_not_root_is_told_which_file_is_not_theirs(tmp_path: Path, made: Path) -> None:
    """As another user, who owns the folder but not that one file."""
    other = 12345
    for path in (made, *made.iterdir()):
        os.chown(path, other, secrets.GROUP)
    os.chown(made / "jwt_private_key.pem", 0, 0)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from procedures import secrets; from procedures.setup_step import Step, SetupFailed\n"
        f"os.setgid({other}); os.setuid({other})\n"
        "try: secrets.ensure(Path(sys.argv[1]), Step('secrets'))\n"
        "except SetupFailed as error: print(error)"
    )
    temporary = Path(tempfile.gettempdir())
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to(temporary) and folder != temporary:
            folder.chmod(0o755)
    argv = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "jwt_private_key.pem cannot be read by this user" in done.stdout, done.stderr
    assert "sudo chown" in done.stdout


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        private_files.write(path, b"new", mode=0o440)
    assert contents(tmp_path) == {"secret": b"old"}


@pytest.mark.slow
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
