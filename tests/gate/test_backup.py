"""[backup] of readiness.toml: what it offers, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.backup import BackupTable, offered
from gate.target import TargetError, load

ROOT = Path(__file__).parents[2]
VERIFY = '"scripts/verify-backups.sh", "--repository", "{repository}"'
TABLE = '[backup]\nservice = "backup"\nrepository = "/var/lib/pgbackrest"\n'


def test_the_reference_systems_table():
    target = load(ROOT / "readiness.toml")
    assert target.backup is not None
    assert {"backup", "backup.wal", "backup.key", "commands.verify_backups"} <= target.capabilities()


def test_what_is_offered():
    assert not any(offered(None, own_secrets=True).values())
    bare = offered(BackupTable("b", "/r"), own_secrets=True)
    assert bare == {"backup": True, "backup.wal": False, "backup.key": False}
    assert not offered(BackupTable("b", "/r", key="k"), own_secrets=False)["backup.key"]


@pytest.mark.parametrize(
    ("find", "put", "said"),
    [
        (TABLE, TABLE.replace('"backup"', '"bakcup"'), 'did you mean "backup"'),
        (TABLE, TABLE.replace('"/var', '"var'), "must be the absolute path"),
        ('wal = "/var', 'wal = "var', "must be the absolute path"),
        (f"verify_backups = [{VERIFY}]\n", "", "needs [commands] verify_backups"),
        (VERIFY, '"scripts/verify-backups.sh"', "must contain {repository}"),
        (TABLE, TABLE + "volumes = 1\n", "volumes"),
    ],
)  # fmt: skip
def test_what_is_refused(find, put, said, tmp_path):
    text = (ROOT / "readiness.toml").read_text()
    assert text.count(find) == 1
    file = tmp_path / "readiness.toml"
    file.write_text(text.replace(find, put))
    with pytest.raises(TargetError, match=r"(?s).*") as refused:
        load(file)
    assert said in str(refused.value)
