"""[source] and [advisories] of readiness.toml, and how findings are accepted."""

from __future__ import annotations

import pytest

from gate import sabotage
from gate.finding import Finding
from gate.source import SourceTable
from gate.target import TargetError, load
from tests.gate.toml_files import READINESS

FOUND = Finding("bandit/B608", "error", "m", "src/query.py", 3)
TABLE = SourceTable(("src",), accepted={"bandit/B608 src/q*.py": "A constant.", "hadolint/* Dockerfile": "Old."})


def test_what_is_accepted_keeps_its_sentence_and_what_is_not_found_any_more_is_told():
    other = Finding("bandit/B608", "error", "m", "lib/query.py", 3)
    assert [f.suppressed for f in TABLE.judged((FOUND, other))] == ["A constant.", ""]
    assert TABLE.unused("bandit", (FOUND,)) == []
    assert TABLE.unused("bandit", (other,)) == ["bandit/B608 src/q*.py"]
    assert TABLE.unused("hadolint", (FOUND,)) == ["hadolint/* Dockerfile"]
    assert SourceTable(("src",), accepted={"secrets/file /etc/x": "Made by the build."}).unused("secrets", ()) == []


def written(tmp_path, text):
    path = tmp_path / "readiness.toml"
    path.write_text(f"{READINESS}\n{text}")
    return path


def test_the_tables_are_read(tmp_path):
    text = '[source]\npaths = ["src"]\nlocks = ["a.lock"]\n[source.accepted]\n"bandit/B1 a*" = "Yes."\n'
    target = load(written(tmp_path, f'{text}\n[advisories]\nsource = "osv.zip"\n'))
    assert target.source == SourceTable(("src",), ("a.lock",), {"bandit/B1 a*": "Yes."})
    assert target.advisories.source == "osv.zip"
    assert {"source.paths", "source.locks"} <= target.capabilities()
    assert load(written(tmp_path, "")).source is None


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ('"bandit/B608" = "Yes."', "must be scanner/rule and a file"),
        ('"B608 a.py" = "Yes."', "must be scanner/rule and a file"),
        ('"* *" = "Yes."', "must be scanner/rule and a file"),
        ('"bandit/B608 a.py" = " "', "must be a sentence"),
        ('"bandit/B608 a.py" = 1', "must be"),
    ],
)
def test_what_is_accepted_names_rule_file_and_reason(tmp_path, entry, wrong):
    with pytest.raises(TargetError, match=wrong):
        load(written(tmp_path, f'[source]\npaths = ["src"]\n[source.accepted]\n{entry}\n'))


def test_a_sabotage_may_spoil_the_advisories(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('id = "x"\ntitle = "t"\nexpects = ["security.advisory-data"]\nadvisories = "old"\n')
    assert sabotage.load(path).advisories == "old"
    path.write_text(path.read_text().replace("old", "odl"))
    with pytest.raises(sabotage.SabotageError, match="old"):
        sabotage.load(path)


def test_defects_find_the_files_below_the_paths_and_among_them(tmp_path):
    for name in ("app/a.py", "app/sub/b.py", "app/sub/Dockerfile", "c.py", "Dockerfile", "other/d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    table = SourceTable(("app", "c.py", "Dockerfile"))
    for globs, wanted in (
        (table.python, ["app/a.py", "app/sub/b.py", "c.py"]),
        (table.dockerfiles, ["Dockerfile", "app/sub/Dockerfile"]),
    ):
        found = {str(path.relative_to(tmp_path)) for glob in globs for path in tmp_path.glob(glob)}
        assert sorted(found) == wanted
