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
WHOLE = {"backups": 1, "newest": FULL, "files": 1267, "wal_segments": 3, "damaged": 0, "problems": []}
DAMAGED = WHOLE | {"damaged": 2, "problems": [f"{FULL}/bundle/1: invalid checksum", "WAL segment 5 is missing"]}


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
    verify: str = json.dumps(WHOLE)
    expire: str = ""
    database: str = f"{SYSTEM}|1500"
    backup: Completed = TAKEN
    turn: bool = True
    argvs: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, argv: tuple[str, ...], **_: Any) -> Completed:
        self.argvs.append(argv)
        if "info" in argv and "exec" in argv:
            return Completed(argv, 0, json.dumps([{"status": {"lock": {"backup": {"held": not self.turn}}}}]), "", 0.0)
        if "info" in argv:
            return Completed(argv, 0, self.infos.pop(0) if len(self.infos) > 1 else self.infos[0], "", 0.0)
        if "backup-repository" in argv:
            said = self.verify if "verify" in argv else self.expire
            return Completed(argv, 0 if said else 1, said, "", 0.0)
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


def test_what_is_damaged_is_named(capsys):
    assert verify_backups.main([], Engine([info(FULL)], verify=json.dumps(DAMAGED))) == 1
    said = last(capsys)
    assert said["result"] == "damaged"
    assert said["problems"] == DAMAGED["problems"]
    assert said["reason"] == f"2 problems, the first: {FULL}/bundle/1: invalid checksum"


def test_a_verification_that_says_nothing_is_a_failure(capsys):
    assert verify_backups.main([], Engine([info(FULL)], verify="")) == 1
    assert "cannot be verified" in last(capsys)["reason"]


def test_what_the_scheduler_publishes_is_of_its_own_repository(tmp_path):
    engine = Engine([info(FULL)])
    verify_backups.main([], engine)
    assert "--record" in engine.argvs[-1]
    verify_backups.main(["--repository", str(tmp_path)], engine)
    assert "--record" not in engine.argvs[-1]


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


def test_a_backup_that_has_to_wait_for_its_turn_says_so(capsys):
    assert backup.main(["full"], Engine([info(), info(FULL)], turn=False)) == 0
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


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (["--keep", "2"], ("--keep", "2")),
        (["--older-than", "14d"], ("--older-than", "1209600")),
        (["--older-than", "90s"], ("--older-than", "90")),
    ],
)
def test_expiry_says_what_went(given, asked, capsys):
    engine = Engine([info(FULL)], expire=json.dumps({"removed": [FULL], "left": [NEXT]}))
    assert expire_backups.main(given, engine) == 0
    said = last(capsys)
    assert (said["removed"], said["left"]) == ([FULL], [NEXT])
    assert engine.argvs[-1][-2:] == asked
    assert "exec" in engine.argvs[-1]  # the scheduler's lock is in its container


def test_nothing_expires_where_what_would_be_left_is_damaged(capsys):
    engine = Engine([info(FULL)], expire=json.dumps({"refused": f"{FULL}/bundle/1: invalid checksum"}))
    assert expire_backups.main(["--keep", "1"], engine) == 2
    assert "nothing is removed: 20261130-050651F/bundle/1" in last(capsys)["reason"]


def test_an_expiry_that_could_not_be_done_is_a_failure(capsys):
    engine = Engine([info(FULL)], expire="")
    assert expire_backups.main(["--keep", "1"], engine) == 1
    assert "nothing was removed" in last(capsys)["reason"]


@pytest.mark.parametrize(
    "given", [["--older-than", "two weeks"], ["--older-than", "0d"], ["--keep", "1", "--older-than", "1d"], []]
)
def test_an_age_that_is_none_is_refused(given, capsys):
    with pytest.raises(SystemExit) as ended:
        expire_backups.main(given, Engine([info(FULL)]))
    assert ended.value.code == 2


def test_keeping_none_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        expire_backups.main(["--keep", "0"], Engine([info(FULL)]))
    assert ended.value.code == 2
