"""The ready CI files are what GitHub and GitLab take, by their published schemas, and call commands that exist."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gate import cli, shell
from gate.formats import FORMATS
from gate.profiles import PROFILES
from gate.runner import RUNS
from readygate.machine import _WRITERS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MEASURED_MIN = {
    "quick": 4,
    "standard": 25,
    "release": 90,
    "soak": 240,
}  # on two cores; of a soak what it looks at least
FILES = {"vendor.github-workflows": "github-actions.yml", "vendor.gitlab-ci": "gitlab-ci.yml"}


def validated(schema: str, file: Path) -> shell.Completed:
    return shell.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)])


def text(name: str) -> str:
    return (ROOT / "examples" / "ci" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("schema", "name"), FILES.items())
def test_it_is_valid_by_the_published_schema(schema: str, name: str) -> None:
    validated(schema, ROOT / "examples" / "ci" / name).check("validating")


@pytest.mark.parametrize(
    ("schema", "name", "old", "new"),
    [
        ("vendor.github-workflows", "github-actions.yml", "runs-on:", "run-on:"),
        ("vendor.gitlab-ci", "gitlab-ci.yml", "exit_codes: [3]", "exit_codes: [three]"),
    ],
)
def test_the_schema_would_tell(tmp_path: Path, schema: str, name: str, old: str, new: str) -> None:
    assert old in text(name)
    (tmp_path / name).write_text(text(name).replace(old, new))
    assert validated(schema, tmp_path / name).status == 1


def scripts() -> list[str]:
    github = yaml.safe_load(text("github-actions.yml"))
    steps = [step["run"] for job in github["jobs"].values() for step in job["steps"] if "run" in step]
    gitlab = [job for job in yaml.safe_load(text("gitlab-ci.yml")).values() if isinstance(job, dict)]
    return steps + [
        line for job in gitlab for key in ("before_script", "script", "after_script") for line in job.get(key, ())
    ]


@pytest.mark.parametrize("script", scripts())
def test_its_scripts_are_shell_and_call_the_gate_as_it_is(script: str) -> None:
    shell.run(["sh", "-n", "-c", script]).check("reading the script")
    for _, arguments in calls(script):
        cli.parser().parse_args([word.replace("$PROFILE", "release") for word in arguments])


def calls(script: str) -> Iterator[tuple[list[str], list[str]]]:
    """Each call of the gate: what stands before the command, and what it is given."""
    for line in script.splitlines():
        words = shlex.split(line.rstrip("\\"))
        at = next((i for i, word in enumerate(words) if word.rpartition("/")[2] == "readygate"), None)
        if at is not None:
            yield words[:at], words[at + 1 :]


def test_the_gate_runs_as_root_with_the_environment_kept() -> None:
    before = [before for script in scripts() for before, arguments in calls(script) if arguments[0] == "run"]
    assert before == [["sudo", "-E", "env", "PATH=$PATH"], ["$AS_ROOT"]]
    assert yaml.safe_load(text("gitlab-ci.yml"))["readiness"]["variables"]["AS_ROOT"] == "sudo -E"


def test_a_run_of_each_profile_that_can_be_chosen_ends_before_its_time_is_up() -> None:
    github = yaml.safe_load(text("github-actions.yml"))
    choices = github[True]["workflow_dispatch"]["inputs"]["profile"]["options"]  # YAML 1.1 takes `on` for true
    said = github["jobs"]["gate"]["timeout-minutes"]
    minutes = json.loads(said.partition("fromJSON('")[2].partition("')")[0])
    assert list(minutes) == choices == list(PROFILES)
    assert all(minutes[profile] > took for profile, took in MEASURED_MIN.items())
    gitlab = yaml.safe_load(text("gitlab-ci.yml"))["readiness"]
    assert gitlab["variables"]["PROFILE"] == "release"
    assert int(gitlab["timeout"].partition(" hours")[0]) * 60 > MEASURED_MIN["release"]


@pytest.mark.parametrize("name", FILES.values())
def test_the_files_that_it_keeps_are_those_that_a_run_writes(name: str) -> None:
    written = {file for file, _ in _WRITERS.values()}
    kept = {
        word.rpartition("/")[2]
        for word in text(name).replace('"', " ").replace("'", " ").split()
        if f"{RUNS}/latest/" in word
    }
    assert kept
    assert kept <= written
    assert set(_WRITERS) == set(FORMATS)


@pytest.mark.parametrize("name", FILES.values())
def test_nothing_softens_the_exit_status_of_the_gate(name: str) -> None:
    said = text(name)
    assert "continue-on-error" not in said
    assert not [line for line in said.splitlines() if "readygate run" in line and ("||" in line or "&&" in line)]
