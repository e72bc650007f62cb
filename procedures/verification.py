"""What is wrong with a backup repository, from what pgBackRest prints when it verifies one. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from procedures.backup_store import TAKE_ONE, Backup

_STATUS = re.compile(r"^status: (\S+)", re.M)
_BACKUP = re.compile(
    r"^\s+backup: (?P<label>\S+), status: (?P<status>[^,]+), "
    r"total files checked: (?P<files>\d+), total valid files: (?P<valid>\d+)",
    re.M,
)
_ARCHIVE = re.compile(
    r"^\s+archiveId: (?P<id>\S+), total WAL checked: (?P<files>\d+), total valid WAL: (?P<valid>\d+)", re.M
)
# At the level of information it names each file that is not as it was written.
_FILE = re.compile(r"INFO: (?P<what>invalid (?:checksum|size|result)|(?:file )?missing)(?: file)? '?(?P<file>[^\s':]+)")
_WAL = re.compile(r"(?:^|/)([0-9A-F]{24})-")


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and each thing that is wrong with what can be done about it, a sentence each."""

    files: int
    segments: int
    problems: tuple[str, ...]


def report(text: str, backups: Sequence[Backup]) -> Report:
    """What pgBackRest's text means for these backups: what it leaves out of its text was not verified."""
    # The text proper comes once more among the lines of the log.
    body = text[max(text.rfind("\nstanza: "), 0) :]
    archives, found = list(_ARCHIVE.finditer(body)), {match["label"]: match for match in _BACKUP.finditer(body)}
    problems = [_of_file(what, file) for what, file in dict.fromkeys(_FILE.findall(text))]
    for backup in backups:
        match = found.get(backup.id)
        if match is None:
            problems.append(
                f"backup {backup.id}: its files are gone, though the repository lists it; {_anew(backup.id)}"
            )
        elif match["status"] != "valid" or match["files"] != match["valid"] or match["files"] == "0":
            told = f"{match['valid']} of {match['files']} files are as they were written ({match['status']})"
            problems.append(f"backup {backup.id}: {told}; {_anew(backup.id)}")
        if backup.broken:
            problems.append(
                f"backup {backup.id}: pages were damaged in the database already when it was taken; {_PAGES}"
            )
    short = [match for match in archives if match["files"] != match["valid"]]
    problems += [f"archive {m['id']}: {m['valid']} of {m['files']} WAL segments are whole; {_NOW}" for m in short]
    statuses = _STATUS.findall(body)
    if not statuses or (set(statuses) != {"ok"} and not problems):
        problems.append(f"pgBackRest says: {' '.join(body.split())[-200:] or 'nothing'}; {_NOW}")
    files = sum(int(match["files"]) for match in found.values())
    return Report(files, sum(int(match["files"]) for match in archives), tuple(problems))


def _of_file(what: str, file: str) -> str:
    segment = _WAL.search(file)
    if segment:
        return f"{file}: {what}; what was written from {segment[1]} on until the next backup cannot be restored: {_NOW}"
    return f"{file}: {what}; {_anew(file.partition('/')[0])}"


def _anew(label: str) -> str:
    return f"do not restore from {label}, and take a full backup now: {TAKE_ONE}"


_NOW = f"take a full backup now: {TAKE_ONE}"
_PAGES = "see reference/runbooks/recovery.md, and look for the disk's errors"
