"""[configuration], [refusal] and [capacity] of readiness.toml: what is wrong with them is said by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.target import TargetError, load
from tests.gate.toml_files import READINESS

TABLES = """
[configuration]
file = "production.env"

[configuration.environments]
staging = "staging.env"
production = "production.env"

[configuration.differences]
PACE = "Nobody waits in staging."

[refusal]
roles = ["api"]
prefix = "APP_"

[refusal.optional]
APP_LEVEL = "Its default is what production wants."

[capacity]
pool = "APP_POOL"
machine_mib = 4096
"""


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "readiness.toml"
    path.write_text(text, encoding="utf-8")
    try:
        load(path)
    except TargetError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_the_tables_are_values(tmp_path: Path) -> None:
    path = tmp_path / "readiness.toml"
    path.write_text(READINESS + TABLES, encoding="utf-8")
    target = load(path)
    assert target.configuration
    assert target.configuration.environments == {"staging": "staging.env", "production": "production.env"}
    assert target.refusal
    assert target.refusal.roles == ("api",)
    assert target.capacity
    assert target.capacity.releases_at_once == 2
    assert {"configuration.environments", "refusal", "capacity"} <= target.capabilities()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('staging = "staging.env"\n', "", "must name at least two"),
        ('"Nobody waits in staging."', '" "', "must be a sentence that says why"),
        ('roles = ["api"]', 'roles = ["apy"]', 'did you mean "api"'),
        ('roles = ["api"]', "roles = []", "must not be empty"),
        ('prefix = "APP_"', 'prefix = ""', "must not be empty"),
        ('"Its default is what production wants."', '""', "must be a sentence that says why"),
        ("machine_mib = 4096", "machine_mib = 0", "must be at least 1"),
        ("machine_mib = 4096", 'machine_mib = "big"', "must be a number"),
        ('pool = "APP_POOL"\n', "", "this key is needed"),
    ],
)
def test_one_mistake(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert TABLES.count(old) == 1
    assert any(said in problem for problem in problems(tmp_path, READINESS + TABLES.replace(old, new)))
