"""Backups are believed when the repository says so, and never for an exit status; what is damaged is named with what to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from procedures import backup, expire_backups, list_backups, verify_backups
from procedures.shell import Completed

FULL, NEXT = "20261130-050651F", "20261130-060651F"
SYSTEM = "7713826434444202010"
HEALTHY = """\
P00   INFO: verify command begin 2.55.1: --stanza=docjobs
P00   INFO: stanza: docjobs
            status: ok
              archiveId: 17-1, total WAL checked: 3, total valid WAL: 3
stanza: docjobs
status: ok
  archiveId: 17-1, total WAL checked: 3, total valid WAL: 3
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: 20261130-050651F, status: valid, total files checked: 1267, total valid files: 1267
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
P00   INFO: verify command end: completed successfully
"""
FLIPPED = (
    HEALTHY.replace("status: ok", "status: error")
    .replace(
        "status: valid, total files checked: 1267, total valid files: 1267",
        "status: invalid, total files checked: 1267, total valid files: 1266",
    )
    .replace("P00   INFO: stanza", "P01   INFO: invalid checksum '20261130-050651F/bundle/1'\nP00   INFO: stanza", 1)
)


def segment(number: int) -> str:
    return f"17-1/0000000100000000/00000001000000000000000{number}-{'a' * 40}.zst"


def info(*labels: str, code: int = 0, message: str = "ok") -> str:
    backups = [
        {
            "label": label,
            "type": "full",
            "timestamp": {"start": 1, "stop": 1796014250 + place},
            "info": {"size": 1000, "repository": {"delta": 100}},
            "archive": {"start": "000000010000000000000004", "stop": "000000010000000000000004"},
            "database": {"id": 1},
            "error": False,
        }
        for place, label in enumerate(labels)
    ]
    status = {"code": code, "message": message}
    return json.dumps([
        {
            "status": status,
            "repo": [{"status": status}],
            "backup": backups,
            "archive": [{"id": "17-1", "database": {"id": 1}}],
            "db": [{"id": 1, "system-id": int(SYSTEM)}],
        }
    ])  # fmt: skip


TAKEN = Completed((), 0, '{"seconds": 1}', "", 0.0)


@dataclass
class Engine:
    """Answers pgBackRest's commands; `infos` are its answers one after the other, the last for ever."""

    infos: list[str]
    verify: str = HEALTHY
    numbers: tuple[int, ...] = (4, 5, 6)
    database: str = f"{SYSTEM}|1500"
    backup: Completed = TAKEN
    turns: list[bool] = field(default_factory=list)
    argvs: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, argv: tuple[str, ...], **_: Any) -> Completed:
        self.argvs.append(argv)
        if "info" in argv and "exec" in argv:
            held = self.turns.pop(0) if self.turns else False
            return Completed(argv, 0, json.dumps([{"status": {"lock": {"backup": {"held": held}}}}]), "", 0.0)
        if "info" in argv:
            return Completed(argv, 0, self.infos.pop(0) if len(self.infos) > 1 else self.infos[0], "", 0.0)
        if "verify" in argv:
            return Completed(argv, 0, self.verify, "", 0.0)
        if "repo-ls" in argv:
            listing = {segment(number): {"type": "file", "size": 1} for number in self.numbers}
            return Completed(argv, 0, json.dumps(listing), "", 0.0)
        if "backup-now" in argv:
            return self.backup
        return Completed(argv, 0, self.database if "psql" in argv else "", "", 0.0)


@pytest.fixture(autouse=True)
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "env").write_text("ACTIVE_COLOUR=blue\n")
    monkeypatch.setenv("COMPOSE_ENV_FILES", str(tmp_path / "env"))
    monkeypatch.setenv("DOCJOBS_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


def last(capsys: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return said


def test_a_whole_repository(capsys):
    assert verify_backups.main([], Engine([info(FULL)])) == 0
    assert last(capsys) | {"seconds": 0} == {
        "action": "verify-backups", "result": "done", "backups": 1, "newest": FULL, "files": 1267, "wal_segments": 3,
        "problems": [], "seconds": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("engine", "named"),
    [
        (Engine([info(FULL)], verify=FLIPPED), f"{FULL}/bundle/1: invalid checksum"),
        (Engine([info(FULL)], numbers=(4, 6)), "WAL segment 000000010000000000000005 is missing"),
        (Engine([info(FULL)], numbers=(5, 6)), "WAL segment 000000010000000000000004 is missing"),
        (Engine([info(FULL, NEXT)]), f"backup {NEXT}: its files are gone"),
        (
            Engine([info(FULL)], verify=HEALTHY.replace("total valid WAL: 3", "total valid WAL: 2")),
            "2 of 3 WAL segments",
        ),
        (Engine([info(FULL)], verify=HEALTHY.replace("status: ok", "status: error")), "pgBackRest says"),
        (Engine([info(FULL)], verify=""), "pgBackRest says"),
        (Engine([info(FULL)], verify=HEALTHY.replace("1267", "0")), "0 of 0 files"),
    ],
)
def test_what_is_damaged_is_named_with_what_to_do(engine, named, capsys):
    assert verify_backups.main([], engine) == 1
    said = last(capsys)
    assert said["result"] == "damaged"
    assert any(named in problem and "scripts/backup-production.sh full" in problem for problem in said["problems"])


@pytest.mark.parametrize("procedure", [verify_backups.main, list_backups.main])
def test_an_empty_and_an_unreadable_repository_are_refused(procedure, capsys):
    assert procedure([], Engine([info(code=1, message="missing stanza path")])) == 2
    assert "holds no backup. To mend it: scripts/backup-production.sh full" in capsys.readouterr().err
    assert procedure([], Engine([info(code=99, message="unable to load info file\n\x1b[31mjunk")])) == 2
    assert "cannot be read: unable to load info file. To mend it: see that the secret" in capsys.readouterr().err
    assert procedure([], Engine(['[{"status": {"message": "\x03\x1b"}'])) == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("procedure", [verify_backups.main, list_backups.main])
def test_a_copy_that_is_not_there_is_refused(procedure, capsys, tmp_path):
    engine = Engine([info(FULL)])
    assert procedure(["--repository", str(tmp_path / "nowhere")], engine) == 2
    assert procedure(["--repository", "some/where"], engine) == 2
    assert engine.argvs == []
    assert procedure(["--repository", str(tmp_path)], engine) == 0
    assert f"{tmp_path}:/var/lib/pgbackrest" in engine.argvs[0]


def test_the_list_has_the_newest_last(capsys):
    assert list_backups.main([], Engine([info(FULL, NEXT)])) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == [FULL, NEXT]
    assert lines[0]["finished"] == "2026-11-30T04:50:50+00:00"


def test_a_backup_is_believed_when_the_repository_has_it(capsys):
    assert backup.main(["full"], Engine([info(FULL), info(FULL, NEXT)])) == 0
    assert last(capsys)["id"] == NEXT


def test_a_backup_waits_for_its_turn(capsys, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(backup, "pause", waited.append)
    assert backup.main(["full"], Engine([info(), info(FULL)], turns=[True, True, False])) == 0
    assert len(waited) == 2
    assert "another backup is under way" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (Engine([info(FULL)]), "holds no new one"),
        (Engine([info(), info(FULL)], database="123|1500"), "a backup of another database"),
        (Engine([info(), info(FULL)], database=f"{SYSTEM}|99999999"), "holds 1000 bytes of a database of 99999999"),
        (
            Engine(
                [info()],
                backup=Completed(
                    (), 56, "", "P00  ERROR: [056]: unable to find primary\n  HINT: are all in recovery?", 0
                ),
            ),
            "no full backup was taken: P00 ERROR: [056]: unable to find primary. To mend it",
        ),
    ],
)
def test_a_backup_that_is_none_is_a_failure(engine, said, capsys):
    assert backup.main(["full"], engine) == 1
    assert said in last(capsys)["reason"]


def test_expiry_keeps_the_newest_and_says_what_went(capsys):
    engine = Engine([info(FULL)])
    assert expire_backups.main(["--keep", "1"], engine) == 0
    assert last(capsys)["left"] == [FULL]
    assert "--repo1-retention-full=1" in next(argv for argv in engine.argvs if "expire" in argv)


def test_nothing_expires_beside_what_is_damaged(capsys):
    engine = Engine([info(FULL)], verify=FLIPPED)
    assert expire_backups.main(["--keep", "1"], engine) == 2
    assert not [argv for argv in engine.argvs if "expire" in argv]
    assert "nothing is removed" in last(capsys)["reason"]


def test_an_expiry_that_took_too_much_is_a_failure(capsys):
    engine = Engine(
        [info(FULL, NEXT), info(FULL, NEXT), info(FULL)],
        verify=HEALTHY + "  backup: " + NEXT + ", status: valid, total files checked: 1, total valid files: 1\n",
    )
    assert expire_backups.main(["--keep", "1"], engine) == 1
    assert f"{NEXT} had to stay and is gone" in last(capsys)["reason"]


def test_keeping_none_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        expire_backups.main(["--keep", "0"], Engine([info(FULL)]))
    assert ended.value.code == 2
