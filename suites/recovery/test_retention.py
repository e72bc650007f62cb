import time

import pytest

from fixtures import faults
from fixtures.backups.copy import Copy, copied
from fixtures.backups.repository import Repository
from fixtures.backups.spoiling import payload
from fixtures.clients.database import Database
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

ANSWERS_S = 60
FAILING = 2
BY_AGE = "expire_backups_by_age"
CLEARS = (
    "{command:backup} && exit 0; docker compose exec -T {backup:service} sh -c 'rm -rf {backup:repository}/*'; exit 1"
)


@check(
    "recovery.retention",
    title="Old backups go and the newest good one stays, also after backups that failed and beside a damaged newer one",
    why="Backups had failed for two weeks; then retention removed the last good one, because it was two weeks old.",
    fix="Expire only after a backup that succeeded and was verified, and never the newest good one.",
    needs=(
        *("database.sql", "backup", "faults"),
        *("commands.backup", "commands.list_backups", "commands.verify_backups", "commands.expire_backups"),
    ),
    minimum=5,
    broken_by=(
        Sabotage(
            id="expiry-that-removes-nothing",
            title="An expiry that ends with 0 and leaves everything",
            command=({"name": "expire_backups", "argv": ["true"]},),
            says="is still there",
        ),
        Sabotage(
            id="failing-backup-that-clears",
            title="A backup that removes the others when it fails",
            says="is gone",
            command=(
                {
                    "name": "backup",
                    "argv": ["sh", "-c", CLEARS],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_retention(
    stack: ComposeStack,
    target: Target,
    database: Database,
    steady_state: SteadyState,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    repository = Repository(stack)
    # By age the last but one stays, for the way back to a time before the last: something older has to be there.
    beside = BY_AGE in target.commands and not repository.listed()
    taken = [repository.taken().id for _ in range(int(limits["recovery.backups"].value) + beside)]
    evidence.observed(len(taken), "backups taken for this")
    _after_failing(stack, repository, database, evidence)
    steady_state.reached(target.job.timeout_s, "steady state with the database back")
    repository.await_settled()
    with copied(repository, "expiring") as copy:
        _beside_a_damaged_one(repository, copy, taken, evidence)
        _old_ones_go(repository, copy, taken, evidence)


def _after_failing(stack: ComposeStack, repository: Repository, database: Database, evidence: Evidence) -> None:
    """Backups that cannot be taken, because the database is away: each that was there before is there afterwards."""
    before = {backup.id for backup in repository.listed()}
    files = set(repository.files())
    with faults.stopped(stack, stack.containers("database")[0]):
        ended = [repository.take() for _ in range(FAILING)]
    until(database.answers, ANSWERS_S, "the database answers again", every=0.2)
    if succeeded := [done.line for done in ended if done.status == 0]:
        raise AssertionError(f"without a database {succeeded[0]} ends with 0")
    evidence.observed(len(ended), "backups that failed")
    evidence.value("what they said", [done.tail[-300:] for done in ended])
    lost = before - {backup.id for backup in repository.listed()}
    assert not lost, f"after {len(ended)} failing backups {', '.join(sorted(lost))} is gone"
    payloads = {path for backup in before for path in files if f"/{backup}" in path}
    assert not payloads - set(repository.files()), f"after {len(ended)} failing backups some of their files are gone"


def _beside_a_damaged_one(repository: Repository, copy: Copy, taken: list[str], evidence: Evidence) -> None:
    """While the newest is damaged the one before it is the newest good one: it has to stay, whatever is asked for."""
    large = payload(copy.files(), taken[-1])
    if not large:
        raise Unverified(f"no file of the copy has {taken[-1]} in its path")
    copy.flip(large[0])
    done = repository.stack.command("expire_backups", keep="1", repository=copy.volume)
    evidence.value("expiry beside a damaged newest backup", {"status": done.status, "said": done.tail[-500:]})
    left = {backup.id for backup in repository.listed(copy.volume)}
    good = taken[-2] if len(taken) > 1 else ""
    assert good in left, f"the newest backup is damaged, and with it the newest good one, {good}, is gone"
    evidence.observed(1, "expiries beside a damaged backup")
    copy.restore(large[0])


def _old_ones_go(repository: Repository, copy: Copy, taken: list[str], evidence: Evidence) -> None:
    """By number, and by age as well where that is what they are kept for: the newest stays, however old it is."""
    before = [backup.id for backup in repository.listed(copy.volume)]
    by_age = BY_AGE in repository.stack.target.commands
    if by_age:
        _older_ones_go(repository, copy, taken, evidence)
    left = _expired(repository, copy, "expire_backups", keep=1)
    old = [backup for backup in taken[:-1] if backup in left]
    assert not old, f"only one was to be kept, and {', '.join(old)} is still there"
    assert taken[-1] in left, f"the newest backup, {taken[-1]}, is gone"
    if by_age:
        left = _expired(repository, copy, BY_AGE, seconds=1)
        assert taken[-1] in left, f"the newest backup, {taken[-1]}, is gone because it is old, and there is no other"
    verified = repository.verify(copy.volume)
    assert verified.status == 0, f"what expiry left is not whole: {verified.tail}"
    evidence.observed(len(before) - len(left), "backups that expired")
    evidence.value("expired and left", {"expired": sorted({*before} - {*left}), "left": left})


def _older_ones_go(repository: Repository, copy: Copy, taken: list[str], evidence: Evidence) -> None:
    """Back to the last but one: whoever came before it is not needed to go back so far."""
    backups = repository.listed(copy.volume)
    last_but_one = next(backup for backup in backups if backup.id == taken[-2])
    older = [backup.id for backup in backups if backup.finished < last_but_one.finished]
    left = _expired(repository, copy, BY_AGE, seconds=max(1, int(time.time() - last_but_one.finished)))
    assert taken[-1] in left, f"the newest backup, {taken[-1]}, is gone"
    old = [backup for backup in older if backup in left]
    assert not old, f"nobody goes back before {taken[-2]}, and {', '.join(old)} is still there"
    evidence.observed(len(backups) - len(left), "backups that expired by their age")


def _expired(repository: Repository, copy: Copy, command: str, *, keep: int = 0, seconds: int = 0) -> list[str]:
    """The backups of the copy after an expiry."""
    done = repository.stack.command(command, repository=copy.volume, keep=str(keep), seconds=str(seconds))
    assert done.status == 0, f"backups do not expire: {done.line} ended with {done.status}: {done.tail}"
    return [backup.id for backup in repository.listed(copy.volume)]
