import gzip
import zlib

import pytest

from fixtures.backups import wal
from fixtures.backups.contents import contents
from fixtures.backups.copy import Copy, copied
from fixtures.backups.key import another_key
from fixtures.backups.plaintext import readable
from fixtures.backups.repository import Repository
from fixtures.clients.database import Database
from fixtures.ledger import Ledger
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

JOBS = 3
PLAIN_DUMP = (
    "docker compose exec -T {services:database} pg_dump -U {database:user} -d {database:name} | "
    "docker compose exec -T {backup:service} sh -c 'cat > {backup:repository}/before-the-migration.sql'"
)


@check(
    "recovery.encryption",
    title="No file of the repository can be read without the key, and no dump lies beside it",
    why="Whoever finds the backups has everything that the database's own access rights keep from them.",
    fix="Have the backup tool encrypt what it stores, and make dumps by hand elsewhere.",
    needs=(
        "job",
        "database.sql",
        "backup",
        "backup.key",
        "commands.backup",
        "commands.list_backups",
        "commands.verify_backups",
    ),
    standards=("ASVS 5.0 14.2.4", "CWE-311"),
    minimum=5,
    broken_by=(
        Sabotage(
            id="plain-dump-beside-the-backups",
            title="A dump in SQL that somebody left beside the encrypted backups",
            says="can be read",
            exec=(
                {
                    "command": ["sh", "-ec", PLAIN_DUMP],
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_encryption(
    stack: ComposeStack,
    target: Target,
    database: Database,
    ledger: Ledger,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    assert target.backup is not None
    assert target.backup.key is not None
    repository = Repository(stack)
    words = _planted(database, ledger)
    repository.taken()
    if target.backup.wal:
        wal.await_archived(repository, wal.forced(database), limits["recovery.wal_archived_s"].value)
    found, count = {}, 0
    for path, data in contents(stack, repository.container, repository.mount.path):
        count += 1
        if reason := readable(data, words):
            found[path] = reason
    evidence.observed(count, "files of the repository")
    evidence.value("files that can be read", found)
    assert not found, "without the key can be read: " + "; ".join(f"{path}: {why}" for path, why in found.items())
    repository.await_settled()
    with copied(repository, "key") as copy:
        evidence.value("what was said with another key", _refused(repository, copy, target.backup.key))
    evidence.observed(2, "commands with another key")


def _planted(database: Database, ledger: Ledger) -> list[bytes]:
    """Words that jobs brought into the database. They must be found in a dump of it, plain and compressed."""
    for _ in range(JOBS):
        ledger.submit()
    ledger.follow()
    words = [entry.key.encode() for entry in ledger.entries]
    dump = database.dump().encode()
    if not all(word in dump for word in words):
        raise Unverified("what a job brought along is not in the database, so it cannot be looked for in the backups")
    bare = dump[dump.index(words[0]) :]
    # A deflated piece has no beginning by which it could be known.
    controls = {
        "a dump": dump,
        "a piece of one": bare,
        "a compressed dump": gzip.compress(dump),
        "a deflated piece": zlib.compress(bare),
    }
    for what, data in controls.items():
        if not readable(data, words):
            raise Unverified(f"{what} was not found to be readable, so nothing else would be")
    return words


def _refused(repository: Repository, copy: Copy, key: str) -> dict[str, str]:
    """What listing and verifying say of the copy with another key; with the right one both must end well."""
    for done in (repository.listing(copy.volume), repository.verify(copy.volume)):
        if done.status != 0:
            raise Unverified(f"not even with its own key can the copy be read: {done.line}: {done.tail}")
    with another_key(repository.stack, key):
        said = {"listed": repository.listing(copy.volume), "verified": repository.verify(copy.volume)}
    opened = [what for what, done in said.items() if done.status == 0]
    assert not opened, (
        f"with another key the repository is {' and '.join(opened)} as with its own: nothing is encrypted by it"
    )
    return {what: done.tail[-500:] for what, done in said.items()}
