"""The systems of this repository and the checks fit each other: nothing is left unverified by an oversight."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from gate.catalogue import checks
from gate.needs import BY_CHOICE
from gate.prove import named_files
from gate.sabotage import expand_roles, load_catalogue
from gate.target import capability_names, load

ROOT = Path(__file__).parents[2]
SYSTEMS = ["readiness.toml", "readiness-rolling.toml", "examples/minimal/readiness.toml"]


@pytest.mark.parametrize("path", SYSTEMS)
def test_every_check_can_run_or_its_absence_is_declared(path):
    target = load(ROOT / path)
    for check in checks():
        unmet = set(check.needs) - target.capabilities() - BY_CHOICE.keys()
        assert not unmet or target.absence(check.id), f"{check.id} needs {unmet}"


@pytest.mark.parametrize("path", SYSTEMS)
def test_no_absence_is_declared_for_what_is_there(path):
    target = load(ROOT / path)
    for pattern in target.absent:
        meant = [check for check in checks() if fnmatchcase(check.id, pattern)]
        assert meant, f"{pattern} matches no check"
        for check in meant:
            assert set(check.needs) - target.capabilities(), f"{check.id} could run"


@pytest.mark.parametrize("path", SYSTEMS)
def test_every_file_that_a_run_needs_is_there(path):
    load(ROOT / path).demand_files()


def test_every_need_of_a_check_can_be_met_by_some_target():
    for check in checks():
        assert set(check.needs) <= capability_names(), check.id


def test_every_sabotage_of_a_check_names_roles_that_the_reference_system_fills():
    target = load(ROOT / "readiness.toml")
    for check in checks():
        for sabotage in check.broken_by:
            expand_roles(sabotage.compose, target)
            for step in (*sabotage.exec, *sabotage.fault):
                assert "role" not in step or target.services(step["role"]), sabotage.id


@pytest.mark.parametrize("defect", load_catalogue(ROOT / "tests" / "sabotage"), ids=lambda defect: defect.id)
def test_a_defect_of_the_reference_system_fits_its_files(defect):
    target = load(ROOT / "readiness.toml")
    for edit in defect.replace:
        if "pattern" in edit:
            texts = [path.read_text() for path in named_files(ROOT, edit["file"], target)]
            assert any(re.search(edit["pattern"], text) for text in texts), edit["file"]
            continue
        assert (ROOT / edit["file"]).read_text().count(edit["find"]) == 1, edit["file"]
    expand_roles(defect.compose, target)
    assert {command["name"] for command in defect.command} <= target.commands.keys()
    assert set(defect.expects) <= {check.id for check in checks()}


def test_the_rolling_target_differs_from_the_other_in_its_strategy_and_the_length_of_quick_jobs_alone():
    blue_green, rolling = (tomllib.loads((ROOT / name).read_text(encoding="utf-8")) for name in SYSTEMS[:2])
    quick = [target["profiles"]["quick"]["env"].pop("DOCJOBS_STAGE_WAIT_MS") for target in (blue_green, rolling)]
    assert int(quick[0]) < int(quick[1])
    for profile in ("quick", "release", "soak"):
        assert rolling["commands_env"][profile].pop("DEPLOY_STRATEGY") == "rolling"
        if not rolling["commands_env"][profile]:
            del rolling["commands_env"][profile]
    assert rolling == blue_green
