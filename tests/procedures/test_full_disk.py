"""No room, no right, read-only: a change ends with a clear last line, the old release serving, and nothing half-written."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from procedures import audit, deploy, environment, lock, rollback
from procedures.change import Change, Phase
from procedures.outcome import Outcome
from procedures.procedure import Request, carry_out
from procedures.refusal import Refused
from tests.procedures.recording import COMPOSE, ENVIRONMENT, Recorded

SMALL = 8192  # bytes; lock and audit log stay below, the environment file is larger
LONG = ENVIRONMENT + "# a long remark\n" * 1000


@dataclass
class Disk:
    """A folder that can be filled: a small file system of its own where we may mount one, else a limit on our own writes."""

    folder: Path
    own: bool

    def fill(self, *, most: int = SMALL) -> None:
        """Leave no room; `most`: where it is only a limit, how large files on the other disks may become."""
        if not self.own:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
            return
        with suppress(OSError), (self.folder / "filler").open("ab", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)

    def make_room(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        (self.folder / "filler").unlink(missing_ok=True)

    def during(self, request: Request, system: Recorded) -> Outcome:
        """Carry out a change; a limit on our own writes ends with it, before it is one on those of pytest."""
        try:
            return carry_out(request, system)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def freeze(self) -> None:
        if self.own:
            mount("-o", "remount,ro", str(self.folder))
        elif os.geteuid():
            self.folder.chmod(0o555)
        else:  # nothing is read-only to root without a mount
            self.fill(most=0)

    def thaw(self) -> None:
        if self.own:  # also where it was not frozen
            mount("-o", "remount,rw", str(self.folder))
        self.folder.chmod(0o755)
        self.make_room()

    @property
    def names(self) -> set[str]:
        return {each.name for each in self.folder.rglob("*")} - {"filler"}


@pytest.fixture
def disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Disk]:
    """`capsys`, because the limit on our own writes would be one on pytest's captured output as well."""
    assert capsys
    folder = tmp_path / "disk"
    folder.mkdir()
    own = os.geteuid() == 0 and mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder))
    made = Disk(folder, own)
    yield made
    made.make_room()
    if own:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.chmod(0o755)


def mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def on_disk(disk: Disk, system: Recorded, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """The system, with its environment file on that disk."""
    file = disk.folder / "production.env"
    file.write_text(LONG, encoding="utf-8")
    monkeypatch.setenv("COMPOSE_ENV_FILES", str(file))
    return Recorded(file)


def test_a_lock_without_room_refuses_the_change(disk: Disk, system: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCJOBS_STATE_DIR", str(disk.folder / "state"))
    disk.fill(most=0)
    outcome = disk.during(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status, system.changes) == ("refused", 2, [])
    assert "cannot be written" in json.loads(outcome.line())["reason"]
    assert "DOCJOBS_STATE_DIR" in outcome.reason
    assert "audit" in outcome.details
    disk.make_room()
    assert disk.during(deploy.request("1.1.0"), system).result == "deployed"


def test_a_state_folder_that_is_read_only_refuses_the_change(
    disk: Disk, system: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCJOBS_STATE_DIR", str(disk.folder / "state"))
    disk.freeze()
    outcome = disk.during(deploy.request("1.1.0"), system)
    disk.thaw()
    assert (outcome.result, outcome.status, system.changes) == ("refused", 2, [])
    assert "cannot be written" in outcome.reason


def test_a_note_of_a_killed_change_survives_a_full_disk(disk: Disk) -> None:
    file = disk.folder / "lock"
    with lock.held(file, "deploy 7.7.7") as first:
        first.note({"A": "1"})
    disk.fill()
    with suppress(Refused), lock.held(file, "deploy 8.8.8 " + "x" * 900):
        pass
    disk.make_room()
    with lock.held(file, "deploy 9.9.9") as third:
        assert third.left_behind
        assert third.left_behind.before == {"A": "1"}


def test_a_lock_once_taken_can_be_noted_in_whatever_becomes_of_the_disk(disk: Disk) -> None:
    if not disk.own:
        disk.fill = lambda: None  # type: ignore[method-assign]  # a limit on writing is none on the room
    with lock.held(disk.folder / "lock", "deploy 7.7.7") as held:
        disk.fill()
        held.note({"A": "1" * 1000})
        held.note({"A": "2"})
    with lock.held(disk.folder / "lock", "deploy 8.8.8") as held:
        assert held.left_behind
        assert held.left_behind.before == {"A": "2"}


@pytest.mark.parametrize("freeze", [False, True], ids=["full", "read-only"])
def test_an_environment_file_that_cannot_be_rewritten_refuses_the_change(
    freeze: bool,  # noqa: FBT001
    disk: Disk,
    on_disk: Recorded,
) -> None:
    disk.freeze() if freeze and (disk.own or os.geteuid()) else disk.fill()
    outcome = disk.during(deploy.request("1.1.0"), on_disk)
    disk.thaw()
    assert (outcome.result, outcome.status, on_disk.changes) == ("refused", 2, [])
    assert f"the environment file {on_disk.file} cannot be " in outcome.reason
    assert on_disk.file.read_text(encoding="utf-8") == LONG
    assert disk.names == {"production.env"}
    assert disk.during(deploy.request("1.1.0"), on_disk).result == "deployed"


@pytest.mark.parametrize("phase", deploy.PHASES, ids=lambda phase: phase.__name__)
def test_a_disk_that_fills_up_in_any_phase_leaves_the_old_release_serving(
    phase: Phase, disk: Disk, on_disk: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "PHASES", tuple(filling(each, phase, disk) for each in deploy.PHASES))
    outcome = disk.during(deploy.request("1.1.0"), on_disk)
    assert outcome.status == 1
    assert os.strerror(errno.ENOSPC if disk.own else errno.EFBIG) in json.loads(outcome.line())["reason"]
    assert (on_disk.active, on_disk.running) == ("blue", {"blue": "1.0.0"})
    assert on_disk.values["ACTIVE_COLOUR"] == "blue"
    assert disk.names == {"production.env"}
    disk.make_room()
    monkeypatch.undo()
    monkeypatch.setenv("COMPOSE_ENV_FILES", str(on_disk.file))
    monkeypatch.setenv("DOCJOBS_STATE_DIR", str(disk.folder.parent / "state"))
    monkeypatch.setenv("DEPLOY_BAKE_S", "0")
    assert disk.during(deploy.request("1.1.0"), on_disk).result == "deployed"
    assert on_disk.values["RELEASE_GREEN"] == on_disk.running["green"] == "1.1.0"


def test_a_way_back_to_what_the_file_says_already_needs_no_room(disk: Disk, on_disk: Recorded) -> None:
    def full_from_the_migrations_on(argv: tuple[str, ...]) -> bool:
        if argv == COMPOSE.migrate():
            disk.fill()
        return False

    on_disk.fails = full_from_the_migrations_on
    outcome = disk.during(deploy.request("1.1.0"), on_disk)
    assert (outcome.result, outcome.details["failed_phase"]) == ("rolled-back", "start")
    assert on_disk.file.read_text(encoding="utf-8") == LONG


def test_a_rollback_finds_out_before_it_switches(disk: Disk, on_disk: Recorded) -> None:
    assert disk.during(deploy.request("1.1.0"), on_disk).result == "deployed"
    on_disk.argvs.clear()
    disk.fill()
    outcome = disk.during(rollback.request(""), on_disk)
    assert (outcome.result, outcome.status, on_disk.changes, on_disk.active) == ("refused", 2, [], "green")
    disk.make_room()
    assert disk.during(rollback.request(""), on_disk).result == "rolled-back"


def test_a_change_that_is_complete_stands_without_its_line_in_the_audit_log(
    disk: Disk, system: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCJOBS_STATE_DIR", str(disk.folder))
    audit.append(disk.folder, {"first": "x" * 3900})
    before = (disk.folder / audit.FILE).read_bytes()

    def full_from_the_canary_on(argv: tuple[str, ...]) -> bool:
        if argv == COMPOSE.canary("green", 30):
            disk.fill()
        return False

    system.fails = full_from_the_canary_on
    if not disk.own:  # the environment file is on another disk; the limit would hold for it, too
        monkeypatch.setattr(audit.os, "write", lambda _handle, text: len(text) // 2)
        disk.fill = lambda: None  # type: ignore[method-assign]
    outcome = disk.during(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status) == ("deployed", 0)
    assert os.strerror(errno.ENOSPC) in outcome.details["audit"]
    assert (disk.folder / audit.FILE).read_bytes() == before, "half a line is left"


def test_a_rewrite_that_changes_nothing_writes_nothing(disk: Disk) -> None:
    file = disk.folder / "e"
    file.write_text("A=1\nB='2' # why\n", encoding="utf-8")
    disk.fill(most=0)
    environment.rewrite(file, {"A": "1", "B": "2"})
    with pytest.raises(OSError, match=r"No space|too large"):
        environment.rewrite(file, {"A": "2"})
    disk.make_room()
    assert file.read_text(encoding="utf-8") == "A=1\nB='2' # why\n"


def filling(phase: Phase, filled: Phase, disk: Disk) -> Phase:
    """The phase; the disk is full from the beginning of `filled` on, in `finish` at the latest."""

    def whole(change: Change) -> None:
        if phase is filled:
            disk.fill()
        phase(change)

    whole.__name__ = phase.__name__
    return whole
