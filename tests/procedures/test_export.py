"""An export is there when each table is in it with its rows, and each role; otherwise nothing is left of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from procedures import export, shell
from procedures.shell import Completed

WHOLE = "CREATE ROLE docjobs_app;\n\n--\n-- PostgreSQL database cluster dump complete\n--\n\n\\unrestrict x\n"


@dataclass
class Engine:
    """Answers as the database's container does: `rows` is what the dump holds, `tables` what the database has."""

    rows: str = "docjobs.job|3\ndocjobs.queue|0\n"
    tables: str = "docjobs.job|t\ndocjobs.queue|f\n"
    roles: str = WHOLE
    failing: str = ""

    def __call__(self, argv: tuple[str, ...], **given: Any) -> Completed:
        if self.failing and self.failing in argv:
            return Completed(argv, 1, "", "server closed the connection", 0.0)
        if "pg_dump" in argv:
            given["into"].write(b"PGDMP")
        if "pg_dumpall" in argv:
            given["into"].write(self.roles.encode())
        if "bash" in argv:
            assert given["source"].read() == b"PGDMP"
            return Completed(argv, 0, self.rows, "", 0.0)
        if "psql" in argv:
            said = self.tables if "pg_class" in given["input"] else "docjobs_app\n"
            return Completed(argv, 0, said, "", 0.0)
        return Completed(argv, 0, "", "", 0.0)


@pytest.fixture(autouse=True)
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").write_text("ACTIVE_COLOUR=blue\n")
    monkeypatch.setenv("COMPOSE_ENV_FILES", str(tmp_path / "env"))
    monkeypatch.setenv("DOCJOBS_STATE_DIR", str(tmp_path / "state"))


def ended(engine: Engine, folder: Path, capsys: Any) -> tuple[int, dict[str, Any]]:
    status = export.main([str(folder)], engine)
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_both_files_are_for_their_owner_alone(tmp_path, capsys):
    status, said = ended(Engine(), tmp_path / "out", capsys)
    assert (status, said["rows"], said["tables"], said["roles"]) == (0, 3, 2, ["docjobs_app"])
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {
        "docjobs.dump": 0o600,
        "roles.sql": 0o600,
    }
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("engine", "named"),
    [
        (Engine(rows=""), "lacks docjobs.job, docjobs.queue"),
        (Engine(rows="docjobs.job|0\ndocjobs.queue|0\n"), "lacks docjobs.job,"),
        (Engine(tables="", rows=""), "holds no table"),
        (Engine(roles=WHOLE.replace("complete", "")), "roles.sql is cut off"),
        (Engine(roles=WHOLE.replace("docjobs_app", "other")), "lacks docjobs_app"),
        (Engine(failing="pg_dump"), "pg_dump did not reach its end"),
        (Engine(failing="bash"), "cannot be read back"),
    ],
    ids=("empty", "no-rows", "no-table", "roles-cut-off", "role-missing", "dump-fails", "unreadable"),
)
def test_what_is_not_whole_is_not_kept(engine, named, tmp_path, capsys):
    status, said = ended(engine, tmp_path / "out", capsys)
    assert (status, said["result"]) == (1, "failed")
    assert named in said["reason"]
    assert "To mend it" in said["reason"]
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


def test_nothing_is_written_over(tmp_path, capsys):
    (tmp_path / "out").mkdir()
    status, said = ended(Engine(), tmp_path / "out", capsys)
    assert (status, said["result"]) == (2, "refused")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_in_place_of_output_and_input(tmp_path):
    with (tmp_path / "x").open("wb") as into:
        assert shell.run(["printf", r"\377\000x"], into=into).ok
    assert (tmp_path / "x").read_bytes() == b"\xff\x00x"
    with (tmp_path / "x").open("rb") as source:
        assert shell.run(["wc", "-c"], source=source).stdout.strip() == "3"
