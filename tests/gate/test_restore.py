"""[restore] of readiness.toml: what is wrong with it beyond names and types, and what a check may need because of it."""

import pytest

from gate.target import TargetError
from tests.gate.toml_files import target

TABLE = """
[database]
name = "post"
user = "pg"

[commands]
restore = ["./restore"]
restore_to = ["./restore", "--to", "{time}"]

[restore]
volumes = ["letters"]
runbook = "runbook.md"

[restore.invariants]
"letters" = "SELECT count(*) FROM letter"
"""


def test_a_sound_table_is_read_and_offers_what_checks_need(tmp_path):
    found = target(tmp_path, more=TABLE)
    assert found.restore
    assert (found.restore.volumes, found.restore.secrets) == (("letters",), ("*",))
    assert {"restore", "commands.restore", "commands.restore_to"} <= found.capabilities()


def test_without_the_table_nothing_is_offered(tmp_path):
    assert "restore" not in target(tmp_path).capabilities()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('restore = ["./restore"]\n', "", "needs [commands] restore,"),
        ('restore_to = ["./restore", "--to", "{time}"]\n', "", "needs [commands] restore_to"),
        ('"--to", "{time}"', '"--to"', "must contain {time}"),
        ('[database]\nname = "post"\nuser = "pg"\n', "", "needs [database]"),
        ('"SELECT count(*) FROM letter"', '"DELETE FROM letter"', "only reads"),
        ('"runbook.md"', '"../runbook.md"', "inside the folder"),
        ('volumes = ["letters"]', "volumes = []", "must not be empty"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, old, new, said):
    assert old in TABLE
    with pytest.raises(TargetError) as raised:
        target(tmp_path, more=TABLE.replace(old, new))
    assert said in str(raised.value)
