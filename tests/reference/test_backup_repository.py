"""What is damaged or missing in a repository is found and named, and what expires is never the last that is good: the real
program, before a pgBackRest that answers from files."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fixtures.wait import until

BACKUP = Path(__file__).resolve().parents[2] / "reference/backup"
FULL, NEXT, LAST = "20261128-050651F", "20261129-050651F", "20261130-050651F"
# Each answer is a file named by the command; an expiry leaves the list that was made ready for it.
PGBACKREST = """#!/bin/sh
for word; do command=$word; case $word in info | verify | repo-ls | repo-get | expire | backup) break ;; esac; done
echo "$@" >> "$ANSWERS/asked"
for path; do :; done
if [ "$command" = repo-get ]; then cat "$ANSWERS/${path##*/}"; exit; fi
[ "$command" != expire ] || cp "$ANSWERS/after" "$ANSWERS/info"
cat "$ANSWERS/$command"
exit "$(cat "$ANSWERS/$command.status" 2> /dev/null || echo 0)"
"""
pytestmark = pytest.mark.skipif(shutil.which("perl") is None, reason="the program is Perl, which Debian always has")


def listed(*labels: str, code: int = 0, message: str = "ok", ages: tuple[int, ...] = (), **changed: Any) -> str:
    now = int(time.time())
    backups = [
        {
            "label": label,
            "type": "full" if label.endswith("F") else "diff",
            "timestamp": {"stop": now - (ages[place] if ages else 100 * (len(labels) - place))},
            "archive": {"start": segment(1, 4 + place), "stop": segment(1, 4 + place)},
            "database": {"id": 1},
            "error": False,
            **changed,
        }
        for place, label in enumerate(labels)
    ]
    archive = [{"id": "17-1", "database": {"id": 1}}]
    return json.dumps([{"status": {"code": code, "message": message}, "backup": backups, "archive": archive}])


def segment(timeline: int, number: int) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def stored(*segments: tuple[int, int], other: tuple[str, ...] = ()) -> str:
    names = (segment(*each) for each in segments)
    return "\n".join(["17-1", *(f"17-1/{name[:16]}/{name}-{'a' * 40}.zst" for name in names), *other])


def whole(*labels: str, segments: int = 3) -> str:
    body = "".join(
        f"  backup: {label}, status: valid, total files checked: 9, total valid files: 9\n" for label in labels
    )
    archive = f"  archiveId: 17-1, total WAL checked: {segments}, total valid WAL: {segments}\n"
    return f"P00   INFO: stanza: docjobs\n            status: ok\nstanza: docjobs\nstatus: ok\n{archive}{body}P00   INFO: end\n"


@dataclass
class Repository:
    """A repository of answers; `asked`: what pgBackRest was asked so far."""

    folder: Path
    answers: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> tuple[int, dict[str, Any], str]:
        return self.ended(self.begun(*words))

    def begun(self, *words: str) -> subprocess.Popen[str]:
        """Started as `run` does it, with pipes for what it says."""
        for name, text in self.answers.items():
            (self.folder / name).write_text(text)
        env = {**os.environ, "ANSWERS": str(self.folder), "MARKERS": str(self.folder), "BACKUP_RUN": str(self.folder)}
        env["PATH"] = f"{self.folder}:{env['PATH']}"
        argv = ["perl", f"-I{BACKUP}", BACKUP / "backup-repository", *words]
        return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ended(self, program: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
        out, err = program.communicate(timeout=30)
        return program.returncode, json.loads(out) if out.startswith("{") else {}, out + err

    @property
    def asked(self) -> str:
        file = self.folder / "asked"
        return file.read_text() if file.exists() else ""

    @property
    def record(self) -> list[int]:
        return [int(word) for word in (self.folder / "verification").read_text().split()]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    program = tmp_path / "pgbackrest"
    program.write_text(PGBACKREST)
    program.chmod(0o755)
    lines = stored((1, 4), (1, 5), (1, 6))
    return Repository(tmp_path, {"info": listed(FULL), "verify": whole(FULL), "repo-ls": lines})


def test_a_whole_repository(repository):
    status, said, _ = repository.run("verify", "--record")
    assert (status, said["problems"], said["damaged"]) == (0, [], 0)
    assert (said["backups"], said["newest"], said["files"], said["wal_segments"]) == (1, FULL, 9, 3)
    ended, verified, problems = repository.record
    assert ended == verified >= time.time() - 60
    assert problems == 0


@pytest.mark.parametrize(
    ("answers", "named"),
    [
        (
            {"verify": whole(FULL).replace("valid files: 9", "valid files: 8").replace("valid,", "invalid,")
             .replace("P00", f"P01   INFO: invalid checksum '{FULL}/bundle/1'\nP00", 1)},
            f"{FULL}/bundle/1: invalid checksum",
        ),
        ({"repo-ls": stored((1, 4), (1, 6))}, f"WAL segment {segment(1, 5)} is missing"),
        ({"repo-ls": stored((1, 5), (1, 6))}, f"WAL segment {segment(1, 4)} is missing"),
        ({"repo-ls": ""}, f"WAL segment {segment(1, 4)} is missing"),
        ({"info": listed(FULL, NEXT)}, f"backup {NEXT}: its files are gone"),
        ({"verify": whole(FULL).replace("valid WAL: 3", "valid WAL: 2")}, "2 of 3 WAL segments"),
        (
            {"verify": f"P01   INFO: invalid checksum '17-1/0/{segment(1, 5)}-{'a' * 40}.zst'\n{whole(FULL)}"},
            f"from {segment(1, 5)} on",
        ),
        ({"verify": whole(FULL).replace("status: ok", "status: error")}, "pgBackRest says"),
        ({"verify": ""}, "pgBackRest says"),
        ({"verify": whole(FULL).replace(": 9", ": 0")}, "0 of 0 files"),
        ({"verify": "ERROR: [027]: no", "verify.status": "27"}, "does not answer: [027]: no"),
        ({"info": listed(FULL, error=True)}, "pages were damaged"),
        ({"info": '[{"status": {"message": "\x03\x1b"}'}, "says no JSON"),
        ({"info": listed(code=99, message="[FormatError] \x1bjunk")}, "cannot be read: [FormatError]  junk"),
    ],
)  # fmt: skip
def test_what_is_damaged_or_missing_is_named(repository, answers, named):
    repository.run("verify", "--record")
    first = repository.record
    repository.answers |= answers
    status, said, _ = repository.run("verify", "--record")
    assert status == 1
    assert any(named in problem for problem in said["problems"]), said["problems"]
    assert repository.record[1] == first[1]  # when it was last whole
    assert repository.record[2] == said["damaged"] >= 1
    assert "\x1b" not in "".join(said["problems"])


def test_an_empty_repository_is_neither_whole_nor_damaged(repository):
    repository.answers["info"] = listed(code=2, message="no valid backups")
    status, said, _ = repository.run("verify", "--record")
    assert (status, said["backups"], said["problems"]) == (2, 0, [])
    assert not (repository.folder / "verification").exists()


@pytest.mark.parametrize(
    ("there", "begins", "missing"),
    [
        ([(1, 4), (1, 5), (1, 6), (2, 7), (2, 8)], {2: (1, 7)}, []),
        ([(1, 4), (1, 5), (2, 7), (2, 8)], {2: (1, 7)}, [(1, 6)]),
        ([(1, 4), (1, 5), (1, 6), (2, 8)], {2: (1, 7)}, [(2, 7)]),
        ([(1, 4), (1, 5), (1, 6), (1, 7), (1, 8), (2, 6), (2, 7)], {2: (1, 6)}, []),  # a timeline that was left goes on
        ([(1, n) for n in range(4, 0x103)], {}, []),
        ([(1, n) for n in range(4, 0x103) if n != 0x100], {}, [(1, 0x100)]),
        ([(1, 1), (1, 4)], {}, []),  # what is older than every backup nobody needs
    ],
)
def test_holes_are_looked_for_on_every_timeline(repository, there, begins, missing):
    for timeline, (parent, number) in begins.items():
        position = f"{number // 256:X}/{number % 256:02X}000060"
        repository.answers[f"{timeline:08X}.history"] = f"{parent}\t{position}\tno recovery target specified\n"
    histories = tuple(f"17-1/{timeline:08X}.history" for timeline in begins)
    repository.answers["repo-ls"] = stored(*there, other=histories)
    _, said, text = repository.run("verify")
    assert [problem.split()[2] for problem in said["problems"]] == [segment(*each) for each in missing], text
    # What a restore to the end would miss is the same here, from the one backup that there is.
    assert repository.run("gaps")[2].split() == [word for each in missing for word in (FULL, segment(*each))]


def test_a_restore_misses_nothing_of_a_timeline_that_was_left(repository):
    repository.answers |= {
        "repo-ls": stored((1, 4), (1, 5), (1, 7), (2, 5), (2, 6), other=("17-1/00000002.history",)),
        "00000002.history": "1\t0/5000060\tx\n",
    }
    assert repository.run("gaps")[2] == ""
    assert segment(1, 6) in repository.run("verify")[2]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (("--keep", "1"), 1),
        (("--keep", "2"), 2),
        (("--older-than", "150"), 2),  # the newest is 100 s old; without the one before no way back 150 s
        (("--older-than", "1"), 1),  # however old it is, the newest stays
        (("--older-than", "99999"), 3),
    ],
)
def test_what_is_old_goes_and_the_newest_stays(repository, given, kept):
    labels = (FULL, NEXT, LAST)
    repository.answers |= {
        "info": listed(*labels),
        "verify": whole(*labels),
        "after": listed(*labels[3 - kept :]),
        "expire": "",
    }
    status, said, text = repository.run("expire", *given)
    assert status == 0, text
    assert said["left"] == list(labels[3 - kept :])
    assert said["removed"] == list(labels[: 3 - kept])
    assert f"--repo1-retention-full-type=count --repo1-retention-full={kept} expire" in repository.asked


@pytest.mark.parametrize(
    ("damaged", "keep", "refused"), [(LAST, 1, True), (NEXT, 1, False), (NEXT, 2, True), (FULL, 2, False)]
)
def test_nothing_goes_while_what_would_be_left_is_damaged(repository, damaged, keep, refused):
    labels = (FULL, NEXT, LAST)
    text = f"P01   INFO: invalid checksum '{damaged}/bundle/1'\n{whole(*labels)}"
    repository.answers |= {"info": listed(*labels), "verify": text, "after": listed(*labels[3 - keep :]), "expire": ""}
    status, said, _ = repository.run("expire", "--keep", str(keep))
    assert status == (2 if refused else 0)
    assert (f"{damaged}/bundle/1" in said.get("refused", "")) is refused
    assert ("=count" in repository.asked) is not refused


def test_a_hole_before_what_would_be_left_does_not_keep_it_for_ever(repository):
    labels = (FULL, NEXT, LAST)
    repository.answers |= {"info": listed(*labels), "verify": whole(*labels), "after": listed(LAST), "expire": ""}
    repository.answers["repo-ls"] = stored((1, 4), (1, 6))
    assert repository.run("expire", "--keep", "2")[0] == 2
    assert repository.run("expire", "--keep", "1")[0] == 0


def test_an_expiry_that_took_too_much_is_a_failure(repository):
    repository.answers |= {"info": listed(FULL, NEXT), "verify": whole(FULL, NEXT), "after": listed(FULL), "expire": ""}
    status, _, text = repository.run("expire", "--keep", "1")
    assert status == 1
    assert f"{NEXT} had to stay and is gone" in text


def test_an_expiry_waits_for_a_backup_and_keeps_what_that_one_made(repository):
    repository.answers |= {
        "info": listed(FULL, NEXT),
        "verify": whole(FULL, NEXT),
        "after": listed(NEXT, LAST),
        "expire": "",
    }
    with (repository.folder / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        expiry = repository.begun("expire", "--keep", "1", "--verified")
        until(lambda: "info" in repository.asked, 20, "it has chosen what is to stay")
        with pytest.raises(subprocess.TimeoutExpired):
            expiry.wait(0.5)
        (repository.folder / "info").write_text(listed(FULL, NEXT, LAST))
    status, said, _ = repository.ended(expiry)
    assert (status, said["removed"], said["left"]) == (0, [FULL], [NEXT, LAST])
    assert "--repo1-retention-full=2 expire" in repository.asked


@pytest.mark.skipif(shutil.which("jq") is None, reason="the program asks jq, which its image has")
def test_a_backup_waits_for_an_expiry(repository):
    repository.answers |= {"info": listed(FULL), "backup": ""}
    repository.run("gaps")
    env = {**os.environ, "ANSWERS": str(repository.folder), "BACKUP_RUN": str(repository.folder)}
    env["PATH"] = f"{repository.folder}:{env['PATH']}"
    with (repository.folder / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        argv = [BACKUP / "backup-now", "full"]
        backup = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert backup.stderr
        assert "waiting for its end" in backup.stderr.readline()
        assert " backup" not in repository.asked
    _, said = backup.communicate(timeout=30)
    assert " backup" in repository.asked
    assert (backup.returncode, "no new backup" in said) == (1, True)


def test_without_a_backup_nothing_expires(repository):
    repository.answers["info"] = listed(code=2)
    status, _, text = repository.run("expire", "--keep", "1")
    assert status == 1
    assert "no backup that could expire" in text
