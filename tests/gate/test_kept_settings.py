"""[database] kept_settings of readiness.toml: what a statement gives, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.kept_settings import KeptSetting, kept
from gate.target import TargetError, load

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("statement", "setting"),
    [
        ("ALTER ROLE app SET statement_timeout = '30s'", KeptSetting("app", "", "statement_timeout", "30s")),
        ("alter user App set work_mem to 4096;", KeptSetting("app", "", "work_mem", "4096")),
        ('ALTER ROLE "App" SET a.b TO on', KeptSetting("App", "", "a.b", "on")),
        ("ALTER ROLE ALL SET x = 'it''s'", KeptSetting("", "", "x", "it's")),
        ("ALTER DATABASE jobs SET search_path = a, b", KeptSetting("", "jobs", "search_path", "a, b")),
        ("ALTER ROLE app IN DATABASE jobs SET x=1", KeptSetting("app", "jobs", "x", "1")),
    ],
)
def test_what_a_statement_gives(statement, setting):
    assert kept(statement) == setting
    assert kept(str(setting)).whose == setting.whose or setting.role == "App"


@pytest.mark.parametrize(
    "statement", ["ALTER ROLE app RESET x", "ALTER ROLE app SET x FROM CURRENT", "ALTER SYSTEM SET x = 1", "x = 1"]
)
def test_what_gives_none(statement):
    with pytest.raises(ValueError, match="is no ALTER ROLE"):
        kept(statement)


def test_the_reference_system_declares_what_its_roles_sql_gives():
    target = load(ROOT / "readiness.toml")
    assert target.database is not None
    given = (ROOT / "reference/database/roles.sql").read_text().splitlines()
    assert {kept(s) for s in target.database.kept_settings} == {kept(s) for s in given if " SET " in s and "ALTER" in s}


def test_a_statement_that_gives_none_is_refused_with_its_line(tmp_path):
    text = (ROOT / "readiness.toml").read_text()
    file = tmp_path / "readiness.toml"
    file.write_text(text.replace("SET statement_timeout =", "RESET statement_timeout ="))
    with pytest.raises(TargetError, match=r"readiness\.toml:\d+: database/kept_settings: .*for example"):
        load(file)
