"""`.env` keeps what the user wrote and gains what it lacks."""

from pathlib import Path

import pytest

from procedures import env_file, environment
from procedures.setup_step import SetupFailed, Step

REFERENCE = "# What runs\nRELEASE=1.0.0\nPORT=8443\n"


def values(text: str) -> dict[str, str]:
    return {each.key: each.value for each in environment.assignments(text)}


def test_a_new_file_is_the_reference_and_what_was_found_here() -> None:
    text = env_file.merged(REFERENCE, "", {"CA": "/etc/ca bundle.crt"})
    assert text.startswith(REFERENCE)
    assert values(text) == {"RELEASE": "1.0.0", "PORT": "8443", "CA": "/etc/ca bundle.crt"}


def test_what_the_user_wrote_stays_to_the_letter() -> None:
    mine = "# mine\nexport PORT = 9000  # taken\nEXTRA='a b'\n"
    text = env_file.merged(REFERENCE, mine, {"EXTRA": "other"})
    assert text == mine + "RELEASE=1.0.0\n"


def test_a_complete_file_is_not_touched() -> None:
    complete = "RELEASE=2\nPORT=1"  # not even its missing last newline
    assert env_file.merged(REFERENCE, complete, {}) == complete


def test_a_reference_key_in_a_comment_is_not_an_assignment() -> None:
    assert values(env_file.merged(REFERENCE, "#PORT=1\nRELEASE=2\n", {}))["PORT"] == "8443"


def test_a_second_run_does_not_rewrite_the_file(tmp_path: Path) -> None:
    (tmp_path / "reference/env").mkdir(parents=True)
    (tmp_path / "reference/env/production.env").write_text(REFERENCE)
    env_file.ensure(tmp_path, Step("environment"))
    before = (tmp_path / ".env").stat()
    step = Step("environment")
    env_file.ensure(tmp_path, step)
    assert (tmp_path / ".env").stat().st_ino == before.st_ino
    assert step.found == "unchanged"


def test_without_the_reference_the_message_names_file_and_command(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed) as caught:
        env_file.ensure(tmp_path, Step("environment"))
    assert "reference/env/production.env" in caught.value.sentence
    assert caught.value.mend.startswith("git checkout")


def test_the_ca_bundle_that_the_machine_names_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("x")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("PIP_CERT", str(bundle))
    assert env_file.ca_bundle() == str(bundle)
