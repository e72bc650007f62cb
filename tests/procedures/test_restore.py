"""A restore decides right, without an engine: what it refuses, in which order it acts, and what it does not believe."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from procedures import restored, secrets
from procedures.commands import Argv
from procedures.outcome import Outcome
from procedures.refusal import Refused
from procedures.repository import Repository, falls_short, said, target_of
from procedures.restore import restore
from procedures.setup_step import Step
from tests.procedures.recording import COMPOSE, Recorded

STOP = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def info(code: int = 0, message: str = "ok", **changed: Any) -> dict[str, Any]:
    """What pgBackRest says of a repository with one backup."""
    backup = {
        "label": "20261120-120000F",
        "type": "full",
        "timestamp": {"start": STOP.timestamp() - 9, "stop": STOP.timestamp()},
        "archive": {"start": f"{1:08X}{0:08X}{2:08X}", "stop": f"{1:08X}{0:08X}{2:08X}"},
        "info": {"size": 30_000_000, "repository": {"delta": 3}},
        "database": {"id": 1, "repo-key": 1},
        "error": False,
    }
    stanza = {
        "name": "docjobs",
        "status": {"code": code, "message": message},
        "repo": [{"status": {"code": code, "message": message}}],
        "archive": [{"id": "17-1", "min": "000000010000000000000001", "max": "000000010000000000000004"}],
        "db": [{"id": 1, "system-id": 7713823358370291736}],
        "backup": [backup],
    }
    return stanza | changed


@dataclass
class Host(Recorded):
    """A host on which the database can be restored; `says` is what the restored one says of itself."""

    data: str = "none"
    free: int = 10**12
    alive: str = ""
    repository: dict[str, Any] = field(default_factory=info)
    gaps: str = ""
    histories: dict[str, Any] = field(default_factory=dict)
    gives_up: bool = False
    says: dict[str, Any] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)

    def _answer(self, argv: Argv, env: dict[str, str], text: str | None) -> Any:
        if argv == COMPOSE.alive(("database", "backup")):
            return self.alive
        if argv == COMPOSE.containers_of("database"):
            return "database"
        if argv[:3] == ("docker", "container", "inspect"):
            return [self._database()]
        if argv == COMPOSE.logged("database", 60):
            return "2026 [1] FATAL:  recovery ended before configured recovery target was reached\n2026 [1] LOG:  shut down\n"
        if argv == COMPOSE.sql():
            self.statements.append(text or "")
            segment = {"segment": "x", "failed": 0, "archived": True}
            return {**self._own(), **self.says} if "system_identifier" in (text or "") else segment
        if "-c" in argv and "pg_control" in argv[-1]:
            looked = json.dumps({"data": self.data, "free": self.free})
            return f"{looked}\n{json.dumps([self.repository])}\n{json.dumps(self.histories)}\n{self.gaps}"
        return super()._answer(argv, env, text)

    def _own(self) -> dict[str, Any]:
        return {"system_id": "7713823358370291736", "reached": "0/4000100", "archive_mode": "on", "last_change": "then"}

    def _database(self) -> dict[str, Any]:
        return {
            "Id": "database",
            "Image": "x",
            "RestartCount": int(self.gives_up),
            "State": {"Running": True, "Restarting": False},
            "Config": {"Labels": {"com.docker.compose.service": "database"}},
        }

    @property
    def restores(self) -> list[Argv]:
        return [argv for argv in self.argvs if "database-restore" in argv]


@pytest.fixture
def host(system: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    folder = tmp_path / "secrets"
    monkeypatch.setenv("DOCJOBS_SECRETS", str(folder))
    monkeypatch.setattr(restored, "ARCHIVED_S", 0.05)
    (tmp_path / ".env").write_text(f"DOCJOBS_SECRETS={folder}\n", encoding="utf-8")
    secrets.ensure(tmp_path, Step("secrets"))
    return Host(system.file)


def test_all_of_the_archive_is_restored_and_the_database_left_running(host: Host) -> None:
    outcome = restore(run=host)
    assert (outcome.result, outcome.status) == ("restored", 0), outcome.reason
    assert list(outcome.phases) == ["look", "restore", "start", "recover", "verify"]
    assert host.restores == [COMPOSE.restore()]
    assert host.argvs[-1] == COMPOSE.up(("backup",))
    assert outcome.details["backup"] == "20261120-120000F"


def test_a_time_is_handed_on_in_utc(host: Host) -> None:
    assert restore("2026-11-23 16:00:00+01:00", run=host).result == "restored"
    assert host.restores[0][-1] == "2026-11-23 15:00:00+00"


@pytest.mark.parametrize(("hour", "timeline"), [(1, 1), (3, 2), (5, 3)])
def test_the_timeline_is_the_one_that_the_database_was_on_at_that_time(host: Host, hour: int, timeline: int) -> None:
    began = {2: 2, 3: 4}
    host.histories = {
        f"17-1/{number:08X}.history": {"type": "file", "time": STOP.timestamp() + 3600 * hours}
        for number, hours in began.items()
    }
    assert restore(f"2026-11-20 {12 + hour}:00:00+00", run=host).result == "restored"
    assert f"PGBACKREST_TARGET_TIMELINE={timeline}" in host.restores[0]


def test_a_backup_of_a_later_timeline_is_not_taken_back_to_an_earlier_one(host: Host) -> None:
    # The history files of a copy that lost their times.
    host.histories = {"17-1/00000003.history": {"type": "file", "time": NOW.timestamp() + 9}}
    host.repository["backup"][0]["archive"]["stop"] = "000000030000000000000002"
    restore("2026-11-23 15:00:00+00", run=host)
    assert "PGBACKREST_TARGET_TIMELINE=3" in host.restores[0]


def test_passwords_and_the_live_colour_are_those_of_today_and_stand_in_no_command(host: Host) -> None:
    restore(run=host)
    passwords = [(secrets.folder_of(host.file.parent) / name).read_text() for name in restored.PASSWORDS]
    (aligned,) = (text for text in host.statements if "ALTER ROLE" in text)
    assert aligned.count("ALTER ROLE") == len(passwords)
    assert all(password in aligned for password in passwords)
    assert "\\set colour blue" in aligned
    assert not any(password in word for argv in host.argvs for word in argv for password in passwords)


@pytest.mark.parametrize(
    ("to", "changes", "reason", "mend"),
    [
        ("", {"alive": "abc"}, "is running", "docker compose -f docker-compose.prod.yml stop database backup"),
        ("", {"data": "whole"}, "a database in the data directory", "--aside"),
        ("", {"free": 1000}, "0 MiB are free", "make room"),
        ("", {"gaps": "20261120-120000F 000000010000000000000003\n"}, "000000010000000000000003", "another copy"),
        ("", {"gaps": "* unknown\n"}, "which WAL is archived", "verify-backups.sh"),
        (
            "",
            {"repository": info(1, "missing stanza path", backup=[], archive=[], db=[])},
            "no backup",
            "volume `backups`",
        ),
        ("", {"repository": info(2, "no valid backups", backup=[])}, "no backup", "volume `backups`"),
        ("", {"repository": info(99, "[FormatError] \x1b]0;x\x07 key", backup=[])}, "[FormatError]", "passphrase"),
        ("2026-11-20 11:00:00+00", {}, "before the end of the first backup", "later time"),
        ("2100-01-01 00:00:00+00", {}, "not over yet", "in the past"),
        ("2026-11-23 15:00:00", {}, "in which zone", "+00"),
        ("yesterday", {}, "is no time", "+00"),
    ],
)
def test_what_cannot_be_restored_is_refused_with_what_to_do(
    host: Host, to: str, changes: dict[str, Any], reason: str, mend: str
) -> None:
    for name, value in changes.items():
        setattr(host, name, value)
    outcome = restore(to, run=host)
    assert (outcome.result, outcome.status) == ("refused", 2)
    assert reason in outcome.reason
    assert mend in outcome.reason
    assert "\x1b" not in outcome.reason
    assert not host.restores
    assert not host.changes or all("pg_control" in argv[-1] for argv in host.changes)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ({"system_id": "1"}, "not what was asked for"),
        ({"archive_mode": "off"}, "does not archive"),
        ({"reached": "0/3000000"}, "one in between is missing or broken"),
        ({"reached": None}, "one in between is missing or broken"),
    ],
)
def test_a_database_that_is_not_what_it_should_be_is_stopped(host: Host, says: dict[str, Any], reason: str) -> None:
    host.says = says
    failed(host, restore(run=host), reason)


def test_a_recovery_that_gives_up_is_told_in_its_words(host: Host) -> None:
    host.database, host.gives_up = "t", True
    failed(host, restore("2026-11-23 15:00:00+00", run=host), "the archive ends before 2026-11-23 15:00:00+00")


def failed(host: Host, outcome: Outcome, reason: str) -> None:
    """A restore that failed for this reason, with the database stopped at the end."""
    assert (outcome.result, outcome.status) == ("failed", 1)
    assert reason in outcome.reason
    assert host.argvs[-1] == COMPOSE.halt(("database", "backup"))


def test_an_earlier_end_is_meant_when_there_is_a_time(host: Host) -> None:
    host.says = {"reached": "0/3000000"}
    assert restore("2026-11-23 15:00:00+00", run=host).result == "restored"


def test_a_dry_run_says_what_it_would_do_and_does_nothing(host: Host) -> None:
    host.data = "whole"
    outcome = restore(aside=True, dry_run=True, run=host)
    assert outcome.result == "planned"
    assert outcome.plan[0] == COMPOSE.restore()
    assert not host.restores


def test_what_was_done_is_in_the_audit_log(host: Host, tmp_path: Path) -> None:
    restore(run=host)
    host.alive = "abc"
    restore(run=host)
    lines = (tmp_path / "state" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["result"] for line in lines] == ["restored", "refused"]


def test_the_newest_backup_that_ended_before_the_time_is_taken() -> None:
    first = info()["backup"][0]
    second = first | {"label": "later", "timestamp": {"start": NOW.timestamp(), "stop": NOW.timestamp()}}
    broken = second | {"label": "broken", "error": True}
    repository = Repository.read(json.dumps([info(backup=[second, first, broken])]))
    assert repository.backup_for(None).id == "later"
    assert repository.backup_for(NOW).id == first["label"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '[{"status": {}}]', "no json"])
def test_an_answer_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"cannot be read|holds no backup"):
        Repository.read(text)


def segment(timeline: int, number: int) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def test_what_is_missing_before_the_backup_or_after_the_time_does_not_matter(host: Host) -> None:
    host.gaps = "an-older-one 000000010000000000000001\n"
    assert restore(run=host).result == "restored"
    host.gaps = "20261120-120000F 000000010000000000000003\n"
    assert restore("2026-11-23 15:00:00+00", run=host).result == "restored"


@pytest.mark.parametrize(
    ("reached", "last", "short"),
    [
        ("0/4000000", (1, 4), False),
        ("0/3FFFFFF", (1, 4), True),
        ("1/0", (1, 256), False),
        ("0/FF000000", (1, 256), True),
        ("0/5000000", (1, 4), False),
    ],
)
def test_a_recovery_that_ends_before_the_newest_segment_falls_short(
    reached: str, last: tuple[int, int], *, short: bool
) -> None:
    assert falls_short(reached, segment(*last)) is short


def test_a_moment_is_said_as_postgresql_takes_it() -> None:
    assert said(NOW) == "2026-11-23 15:00:00+00"
    assert said(target_of("2026-11-23T15:00:00.25+00:00", datetime.now(UTC))) == "2026-11-23 15:00:00.250000+00"
