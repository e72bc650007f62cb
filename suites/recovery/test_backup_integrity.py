import random
import secrets

import pytest

from fixtures.backups import wal
from fixtures.backups.copy import Copy, copied
from fixtures.backups.repository import Repository
from fixtures.backups.spoiling import Spoilt, spoilt
from fixtures.clients.database import Database
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

SEGMENTS = 3  # so that one is in the middle


@check(
    "recovery.backup-integrity",
    title="Verifying the repository finds a flipped byte, a file cut off and a missing WAL segment, and names what it found",
    why="A tool that verifies backups ended with 0 beside the words `status: error`, and did not miss the WAL that was gone.",
    fix="Read what the tool says instead of its exit status, and look for holes in the WAL segments' names yourself.",
    needs=("database.sql", "backup", "commands.backup", "commands.verify_backups", "commands.list_backups"),
    minimum=5,
    broken_by=(
        Sabotage(
            id="verification-that-looks-at-nothing",
            title="A verification that ends with 0 whatever there is",
            command=({"name": "verify_backups", "argv": ["true"]},),
            says="was not found",
        ),
        Sabotage(
            id="verification-that-looks-for-files",
            title="A verification that only sees whether backups are listed",
            command=({"name": "verify_backups", "argv": ["sh", "-c", "{command:list_backups}"]},),
            says="was not found",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_backup_integrity(
    stack: ComposeStack, target: Target, database: Database, limits: dict[str, Limit], evidence: Evidence
) -> None:
    repository = Repository(stack)
    newest = repository.taken()
    between = ""
    if target.backup and target.backup.wal:
        segments = [wal.forced(database) for _ in range(SEGMENTS)]
        wal.await_archived(repository, segments[-1], limits["recovery.wal_archived_s"].value)
        between = repository.archived()[segments[1]]
    repository.await_settled()
    seed = secrets.randbelow(2**32)
    evidence.value("seed of the choice of files", seed)
    with copied(repository, "spoilt") as copy:
        _demand_whole(repository, copy, evidence)
        found = {}
        for spoil in spoilt(copy, newest.id, between, random.Random(seed)):  # noqa: S311  (a choice, not a secret)
            found[f"{spoil.kind}: {spoil.path}"] = _found(repository, copy, spoil)
            evidence.observed(1, "ways to spoil the repository")
        evidence.value("what was said of each", found)
        missed = [what for what, said in found.items() if said is None]
        assert not missed, f"was not found by {' '.join(target.commands['verify_backups'])}: {'; '.join(missed)}"
        _demand_whole(repository, copy, evidence)
    _demand_refused_when_empty(repository, evidence)


def _found(repository: Repository, copy: Copy, spoil: Spoilt) -> str | None:
    """What the verification says of it, None when it sees nothing. The copy is whole again afterwards."""
    spoil.put_in(copy)
    try:
        done = repository.verify(copy.volume)
    finally:
        copy.restore(spoil.path)
    if done.status == 0:
        return None
    said = f"{done.stdout}\n{done.stderr}"
    assert spoil.name in said, f"{spoil.kind}: the verification fails, and does not name {spoil.name}: {done.tail}"
    return done.tail[-500:]


def _demand_whole(repository: Repository, copy: Copy, evidence: Evidence) -> None:
    done = repository.verify(copy.volume)
    evidence.observed(1, "verifications of an unspoilt copy")
    assert done.status == 0, f"a copy that nobody spoilt does not pass, so the repository is damaged: {done.tail}"


def _demand_refused_when_empty(repository: Repository, evidence: Evidence) -> None:
    """Where there is no backup, verifying and listing must not end well, and say something."""
    with copied(repository, "empty", empty=True) as copy:
        for what, done in (("verified", repository.verify(copy.volume)), ("listed", repository.listing(copy.volume))):
            if done.timed_out:
                raise Unverified(f"an empty repository: {done.line} has no end")
            assert done.status != 0, f"an empty repository is {what} with exit status 0"
            assert done.tail.strip(), f"an empty repository is {what} without a word on what to do"
            evidence.value(f"an empty repository, {what}", done.tail[-500:])
    evidence.observed(1, "empty repositories")
