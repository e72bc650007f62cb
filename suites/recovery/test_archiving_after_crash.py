import time

import pytest

from fixtures import faults
from fixtures.backups import wal
from fixtures.backups.listed import Listed
from fixtures.backups.repository import Repository
from fixtures.clients.database import Database
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

ANSWERS_S = 60


@check(
    "recovery.archiving-after-crash",
    title="After a crash of the database what is written is archived within the limit, without anybody's doing",
    why="A checkpointer that slept through archive_timeout after a crash archived nothing for five minutes, and nobody saw.",
    fix="Set archive_timeout, and ask for a checkpoint when the database has come out of a crash.",
    needs=("database.sql", "backup.wal", "commands.list_backups", "faults"),
    broken_by=(
        Sabotage(
            id="segments-that-never-end",
            title="A database without archive_timeout: what is written waits until 16 MiB have come together",
            says="is not in the archive",
            exec=(
                {
                    "role": "database",
                    "command": [
                        *("psql", "-U", "{database:user}", "-d", "{database:name}"),
                        *("-c", "ALTER SYSTEM SET archive_timeout = 0", "-c", "SELECT pg_reload_conf()"),
                    ],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_archiving_after_crash(
    stack: ComposeStack,
    target: Target,
    database: Database,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    repository, limit = Repository(stack), limits["recovery.wal_archived_s"]
    backups = _backups(repository, limits["recovery.first_backup_s"].value)
    try:
        wal.await_archived(repository, wal.forced(database), limit.value)
    except AssertionError as error:
        raise Unverified(f"before any crash already, which recovery.backup-freshness judges: {error}") from error
    with faults.killed(stack, stack.containers("database")[0]):
        until(database.answers, ANSWERS_S, "the database answers after the crash", every=0.2)
        evidence.event("recovered", "the database answers again")
        began, segment = time.monotonic(), wal.written(database)
        wal.await_archived(repository, segment, limit.value)
    if repository.listed() != backups:
        raise Unverified("a backup was taken meanwhile, which ends a segment whatever archive_timeout is: run it again")
    evidence.measure("written after a crash until it was archived", time.monotonic() - began, "s", limit)
    evidence.observed(1, "segments written after a crash and followed into the archive")
    evidence.value("segment", segment)
    steady_state.reached(target.job.timeout_s, "steady state after the crash")


def _backups(repository: Repository, within: float) -> list[Listed]:
    """The backups that are there, once there is one: the first comes soon after the start, and would end the segment."""
    try:
        until(repository.listed, within, "a first backup", every=2)
    except NotReached as error:
        raise Unverified(f"recovery.backup-freshness judges this: {error}") from error
    return repository.listed()
