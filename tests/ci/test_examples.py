"""The ready CI files are what GitHub and GitLab take, by their published schemas, and call commands that exist."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
import yaml

from gate import cli, shell
from gate.formats import FORMATS
from gate.runner import RUNS
from readygate.machine import _WRITERS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
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
    for line in script.splitlines():
        words = shlex.split(line.rstrip("\\"))
        if words and words[0].endswith("readygate"):
            cli.parser().parse_args([word.replace("$PROFILE", "release") for word in words[1:]])


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
