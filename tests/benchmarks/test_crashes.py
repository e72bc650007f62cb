"""The benchmark of crashes without an engine: it starts, refuses what it cannot do, and counts what was lost as lost."""

from __future__ import annotations

import random
import sys
from io import StringIO
from itertools import islice
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.crash_figures import Findings, Kill, figures, tables
from benchmarks.crashes import _turns
from fixtures.ledger import Entry, reconcile
from gate import shell
from gate.shell import Completed
from gate.target import load
from tests.gate.toml_files import READINESS, written

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DONE = Entry("k1", 0.0, "j1", 0.1, "succeeded", 1.0)


def _run(*arguments: str) -> Completed:
    argv = [sys.executable, "-m", "benchmarks.crashes", *arguments]
    return shell.run(argv, cwd=ROOT, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"}, timeout_s=60)


def test_it_says_what_it_takes():
    done = _run("--help")
    assert done.status == 0
    assert {"--kills", "--role", "--tell", "--until-lost"} <= set(
        done.stdout.replace("[", " ").replace("]", " ").split()
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kills", "0"], "no whole number of at least 1"),
        (["--role", "moon"], "invalid choice"),
        (["--json", "nowhere/figures.json"], "there is no such folder"),
        (["--target", "nowhere.toml"], "there is no such file"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_starts(arguments, said):
    done = _run(*arguments)
    assert (done.status, said in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


def test_each_role_is_killed_before_any_is_killed_again():
    turns = list(islice(_turns(["a", "b", "c"], random.Random(1)), 9))
    assert all(set(turns[at : at + 3]) == {"a", "b", "c"} for at in (0, 3, 6))


def test_what_was_lost_is_a_problem_and_is_counted(tmp_path):
    target = load(written(tmp_path, READINESS))
    findings = Findings(3, 7)
    findings.add(Kill("worker", 0.1, 5.0, 11.0, reconcile([DONE], {"j1": 1})))
    assert findings.problems == []
    findings.add(Kill("database", 3.0, 6.0, 9.0, reconcile([DONE], {})))
    findings.add(Kill("database", 5.0, 8.0, 9.5, reconcile([DONE], {"j1": 2})))
    assert [problem.split(":")[0] for problem in findings.problems] == ["kill 2, database", "kill 3, database"]
    found = figures(findings, target)
    assert (found["jobs"]["lost"], found["jobs"]["duplicated"], found["asked"]["seed"]) == (1, 1, 7)
    assert found["kills"]["database"]["accepted"]["median"] == 4.0
    console = Console(file=StringIO(), width=200)
    for table in tables(found):
        console.print(table)
    said = console.file.getvalue()
    assert "database" in said
    assert "lost 1" in said
