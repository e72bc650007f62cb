"""The migrations a release brings: named, numbered, and never edited after they were applied."""

from __future__ import annotations

from pathlib import Path

import pytest
from docjobs import migration_files

ROOT = Path(__file__).resolve().parents[2]


def test_the_application_s_own_migrations_are_numbered_without_gaps_and_begin_with_the_queue() -> None:
    migrations = migration_files.read()
    assert [migration.version for migration in migrations] == list(range(1, len(migrations) + 1))
    assert migrations[0].name == "queue"
    assert migration_files.required_version() == 2


def test_the_next_release_goes_on_where_this_one_ends() -> None:
    overlay = migration_files.read(ROOT / "reference/releases/1.1.0/overlay/docjobs/migrations")
    assert [(migration.version, migration.phase) for migration in overlay] == [(3, "expand"), (4, "contract")]


def test_a_bad_name_and_a_version_used_twice_are_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_expand_one.sql").write_text("SELECT 1")
    (tmp_path / "0001_contract_two.sql").write_text("SELECT 1")
    with pytest.raises(ValueError, match="used twice"):
        migration_files.read(tmp_path)
    (tmp_path / "3_add.sql").write_text("SELECT 1")
    with pytest.raises(ValueError, match="the name must look like"):
        migration_files.read(tmp_path)


def test_one_changed_byte_changes_the_checksum(tmp_path: Path) -> None:
    file = tmp_path / "0001_expand_one.sql"
    file.write_text("SELECT 1")
    before = migration_files.read(tmp_path)[0].checksum
    file.write_text("SELECT 2")
    assert migration_files.read(tmp_path)[0].checksum != before


def test_a_file_is_taken_apart_into_statements_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "0001_expand_one.sql").write_text(
        "-- a; comment\nSELECT 'a;''b', E'c\\';', \"d;\"; /* e;\nf */\n\n"
        "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $h$ SELECT 1; $h$;\nDO $$ BEGIN NULL; END $$ ;\n;\nSELECT 2 -- i;\n"
    )
    (migration,) = migration_files.read(tmp_path)
    found = list(migration.statements())
    assert [statement.number for statement in found] == [1, 2, 3, 4]
    assert [statement.line for statement in found] == [2, 5, 6, 8]
    assert found[0].sql == "SELECT 'a;''b', E'c\\';', \"d;\""
    assert str(found[1]).startswith("statement 2 in line 5 (CREATE FUNCTION g() RETURNS int")


def test_the_statements_of_the_application_s_own_files_are_all_of_them() -> None:
    for migration in migration_files.read():
        bare = "".join(migration.sql.split())
        left = bare
        for statement in migration.statements():
            before, found, left = left.partition("".join(statement.sql.split()))
            assert found
            assert before in {"", ";"} or before.lstrip(";").startswith(("--", "/*")), before
        assert left == ";"


def test_the_application_role_owns_nothing_and_the_ledger_is_append_only() -> None:
    sql = "\n".join(migration.sql for migration in migration_files.read())
    assert "GRANT SELECT, INSERT ON docjobs.effect TO docjobs_app" in sql
    assert "OWNER TO" not in sql
    assert "SUPERUSER" not in sql.upper()
