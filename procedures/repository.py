"""What the backup repository holds, as pgBackRest tells it, and whether a restore from it can be begun. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from procedures import backup_list
from procedures.backup_list import Backup
from procedures.refusal import Refused

_SEGMENT_BYTES = 16 * 1024 * 1024
_PER_LOG = (1 << 32) // _SEGMENT_BYTES


@dataclass(frozen=True, slots=True)
class Repository:
    """`backups` that can be restored, the oldest first; `last_wal` is the newest archived segment, empty without one; and when
    each timeline but the first began."""

    backups: tuple[Backup, ...]
    last_wal: str
    timelines: Mapping[int, datetime] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str, histories: str = "{}") -> Repository:
        """From `pgbackrest --output=json info`, and `repo-ls` of the history files. Refused when it cannot be read, or holds no
        backup."""
        listing = backup_list.read(text)
        backups = tuple(backup for backup in listing.backups if not backup.broken)
        if not backups:
            raise Refused("the repository holds no backup that could be restored", _PUT_BACK)
        return cls(backups, listing.last_wal, _timelines(histories))

    def timeline_at(self, target: datetime, backup: Backup) -> int:
        """The timeline on which the database was at that time: the newest that had begun by then.

        Every restore begins one. PostgreSQL would follow the newest of all, on which the time between the point that was gone
        back to and the moment of going back never was.
        """
        begun = [number for number, moment in self.timelines.items() if moment <= target]
        return max([*begun, int(backup.wal_stop[:8], 16)])

    def backup_for(self, target: datetime | None) -> Backup:
        """The newest backup from which `target`, None: the end of the archive, can be reached. Refused when there is none."""
        if target is None:
            return self.backups[-1]
        fit = [backup for backup in self.backups if backup.stop < target]
        if not fit:
            raise Refused(
                f"{said(target)} is before the end of the first backup, {said(self.backups[0].stop)}: nothing older is left",
                "name a later time",
            )
        return fit[-1]


_LOOK = "docker compose run --rm --no-deps -T --entrypoint sh database -c 'pgbackrest-configure && pgbackrest info'"
_PUT_BACK = "put the copy of the repository into the volume `backups`, as reference/runbooks/recovery.md says"


def target_of(text: str, now: datetime) -> datetime:
    """A time to go back to, in UTC. Refused when it is none, lacks its offset, or is not over yet."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(f"{text!r} is no time", _AS_HERE) from None
    if moment.tzinfo is None:
        raise Refused(f"{text!r} does not say in which zone it is", _AS_HERE)
    moment = moment.astimezone(UTC)
    if moment >= now:
        raise Refused(
            f"{said(moment)} is not over yet: it is {said(now)}", "name a time in the past, or leave --to out"
        )
    return moment


_AS_HERE = "write it as --to '2026-11-23 15:00:00+00'"


def said(moment: datetime) -> str:
    """A moment as pgBackRest and PostgreSQL take it, to the microsecond where there is more than seconds."""
    text = moment.astimezone(UTC).isoformat(sep=" ")
    return text.removesuffix(":00")


def falls_short(reached: str, last_wal: str) -> bool:
    """Whether a recovery that was to go to the end stopped before the newest archived segment: one in between is broken.

    `reached` is a position in the WAL (0/3016E28), `last_wal` the name of a segment. PostgreSQL takes a segment that it cannot
    have for the end, opens, and says nothing.
    """
    high, _, low = reached.partition("/")
    return (int(high, 16) << 32) + int(low, 16) < _number(last_wal) * _SEGMENT_BYTES


def _number(segment: str) -> int:
    return int(segment[8:16], 16) * _PER_LOG + int(segment[16:24], 16)


def _timelines(histories: str) -> dict[int, datetime]:
    """When each timeline began, by its number: its history file is archived at that moment."""
    try:
        listed = json.loads(histories)
        names = {path.rpartition("/")[2].partition(".")[0]: each["time"] for path, each in listed.items()}
        return {int(name, 16): datetime.fromtimestamp(moment, UTC) for name, moment in names.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"pgBackRest does not say which timelines there are: {error}", _LOOK) from None
