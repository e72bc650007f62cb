import time

import pytest

from fixtures.backups import wal
from fixtures.backups.listed import AHEAD_S, Listed
from fixtures.backups.repository import Repository
from fixtures.clients.database import Database
from fixtures.clients.docker import moment
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

SEGMENTS = 3
LEAST = 0.5  # of the database's size must be in its backup: temporary files and free space are not
SIZE = "SELECT sum(pg_database_size(oid)) FROM pg_database"
IDENTIFIER = "SELECT system_identifier::text FROM pg_control_system()"

_ONE_OF_THE_FUTURE = (
    'said=$({command:list_backups}) || exit; echo "$said"; '
    """echo "$said" | sed -n '1{s/"finished": *"20/"finished": "21/; s/"id": *"/&future-/; p}'"""
)


@check(
    "recovery.backup-freshness",
    title="Backups of this database come by themselves and on demand, are in the repository, and WAL arrives there at once",
    why="The job that ended with 0 every night had archived nothing since March, which was found out in October.",
    fix="Schedule backups, let each look for itself in the repository, and let archive_command fail when nothing was stored.",
    needs=("database.sql", "backup", "commands.backup", "commands.list_backups"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="backup-that-takes-none",
            title="A backup that ends with 0 and takes none",
            command=({"name": "backup", "argv": ["true"]},),
            says="no new backup",
        ),
        Sabotage(
            id="backup-of-the-future",
            title="A backup that a clock of another year made, beside those of now",
            command=({"name": "list_backups", "argv": ["sh", "-c", _ONE_OF_THE_FUTURE]},),
            says="a clock jumped",
        ),
        Sabotage(
            id="archive-command-that-lies",
            title="An archive_command that says that everything was archived",
            says="there is none",
            exec=(
                {
                    "role": "database",
                    "command": [
                        *("psql", "-U", "{database:user}", "-d", "{database:name}"),
                        *("-c", "ALTER SYSTEM SET archive_command = '/bin/true'", "-c", "SELECT pg_reload_conf()"),
                    ],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_backup_freshness(
    stack: ComposeStack, target: Target, database: Database, limits: dict[str, Limit], evidence: Evidence
) -> None:
    repository = Repository(stack)
    first, after_s = _scheduled(repository, limits["recovery.first_backup_s"])
    evidence.observed(1, "backups that nobody asked for")
    evidence.value("first backup", first.said)
    evidence.measure("start until the first backup", after_s, "s", limits["recovery.first_backup_s"])
    if target.backup and target.backup.wal:
        seconds = [_archived(repository, database, limits["recovery.wal_archived_s"]) for _ in range(SEGMENTS)]
        evidence.observed(SEGMENTS, "WAL segments followed into the archive")
        evidence.measure("end of a WAL segment until it was archived", seconds, "s", limits["recovery.wal_archived_s"])
    began = time.time()
    new = repository.taken()
    evidence.measure("from the wish for a backup until it was in the repository", time.time() - began, "s")
    _demand_this(repository, database, new, began)
    evidence.observed(1, "backups taken by the system's own command")
    evidence.value("new backup", new.said)
    newest = repository.listed()[-1]
    evidence.measure("age of the newest backup", newest.age_s(time.time()), "s", limits["recovery.backup_age_s"])
    evidence.value("backups in the repository", [backup.id for backup in repository.listed()])


def _scheduled(repository: Repository, limit: Limit) -> tuple[Listed, float]:
    """The oldest backup, waited for as long as a new system may be without one, and the seconds from the start to it; 0 when
    what takes backups was itself started later, as other checks do."""
    started = moment(repository.container.started_at).timestamp()
    try:
        until(repository.listed, max(started + limit.value - time.time(), 1), "a backup by schedule", every=2)
    except NotReached as error:
        done = repository.listing()
        raise AssertionError(
            f"nobody asked for a backup, and {limit.value:g} s after the start there is none: {done.tail}"
        ) from error
    first = repository.listed()[0]
    first.age_s(time.time())
    return first, max(first.finished - started, 0.0)


def _demand_this(repository: Repository, database: Database, backup: Listed, began: float) -> None:
    """A backup of this database, of now, whose files are in the repository."""
    named = [path for path in repository.files() if backup.id in path]
    assert named, f"the list names {backup.id}, and no file of the repository has that in its name"
    assert backup.age_s(time.time()) <= time.time() - began + AHEAD_S, (
        f"{backup.id} was taken just now, and is said to be of {backup.said['finished']}"
    )
    size = int(database.value(SIZE) or 0)
    if not size:
        raise Unverified("the database does not say how large it is")
    assert backup.bytes >= LEAST * size, f"{backup.id} holds {backup.bytes} bytes of a database of {size}"
    identifier, said = database.value(IDENTIFIER), backup.said.get("system_id")
    assert said in {None, identifier}, f"{backup.id} is of the database {said}, and {identifier} runs"


def _archived(repository: Repository, database: Database, limit: Limit) -> float:
    return wal.await_archived(repository, wal.forced(database), limit.value)
