"""The environment file keeps what it does not change, and is never half written."""

from __future__ import annotations

from pathlib import Path

import pytest

from procedures import environment
from procedures.live import Live
from procedures.refusal import Refused


def test_a_rewrite_changes_its_keys_only(tmp_path: Path) -> None:
    file = tmp_path / "e"
    file.write_text("# a=1\nA=1\n\nB='2 # no comment'\nexport C=3 # comment\n", encoding="utf-8")
    file.chmod(0o640)
    environment.rewrite(file, {"C": "4", "NEW": "5"})
    assert file.read_text(encoding="utf-8") == "# a=1\nA=1\n\nB='2 # no comment'\nC=4\nNEW=5\n"
    assert environment.read(file) == {"A": "1", "B": "2 # no comment", "C": "4", "NEW": "5"}
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [file]


def test_a_rewrite_that_fails_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "e"
    file.write_text("A=1\n", encoding="utf-8")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        environment.rewrite(file, {"A": "2"})
    assert file.read_text(encoding="utf-8") == "A=1\n"
    assert list(tmp_path.iterdir()) == [file]


def test_of_several_files_the_last_is_written(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("", encoding="utf-8")
    given = {"COMPOSE_ENV_FILES": f"{tmp_path}/a,{tmp_path}/b"}
    assert environment.locate(given) == (tmp_path / "b").resolve()


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("A=1\n", encoding="utf-8")
    (tmp_path / "link").symlink_to("real")
    environment.rewrite(environment.locate({"COMPOSE_ENV_FILES": str(tmp_path / "link")}), {"A": "2"})
    assert (tmp_path / "link").is_symlink()
    assert environment.read(tmp_path / "real") == {"A": "2"}


@pytest.mark.parametrize("missing", ["ACTIVE_COLOUR", "RELEASE_MIGRATE"])
def test_a_file_that_says_nothing_of_what_is_live_is_refused(missing: str) -> None:
    values = Live("blue", "1", "1", "1").values() | {missing: ""}
    with pytest.raises(Refused, match=missing):
        Live.read(values)


def test_what_is_live_survives_being_written_and_read() -> None:
    live = Live("green", "1.0.0", "1.1.0", "1.1.0", ("grafana",))
    assert Live.read(live.values()) == live
    assert Live.read(live.values(both=True)) == live
    assert live.values()["COMPOSE_PROFILES"] == "green,grafana"
