"""The benchmark without an engine: it starts, refuses what it cannot do, and counts what failed as failed."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import rollback
from benchmarks.figures import Findings, figures, tables
from fixtures.ledger import Entry, reconcile
from fixtures.release import Released
from fixtures.request import Request
from fixtures.switching import Switch
from fixtures.traffic import Traffic
from gate import shell
from gate.shell import Completed
from gate.target import load
from tests.fixtures.local_system import READINESS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
DONE = [Entry("k1", 0.0, "j1", 0.1, "succeeded", 1.0)]


def _run(*arguments: str) -> Completed:
    argv = [sys.executable, "-m", "benchmarks.rollback", *arguments]
    return shell.run(argv, cwd=ROOT, env=NO_ENGINE, timeout_s=60)


def test_it_says_what_it_takes():
    done = _run("--help")
    assert done.status == 0
    assert {"--repeats", "--per-second", "--jobs", "--json"} <= set(done.stdout.replace("[", " ").split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--repeats", "0"), "'0' is no whole number of at least 1"),
        (("--repeats", "-3"), "'-3' is no whole number of at least 1"),
        (("--per-second", "many"), "'many' is no whole number"),
        (("--jobs", "1.5"), "'1.5' is no whole number of at least 0"),
        (("--profile", "slow"), "invalid choice"),
        (("--target", "nowhere.toml"), "nowhere.toml: there is no such file"),
        (("--json", "nowhere/figures.json"), "there is no such folder"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_starts(capsys, arguments, said):
    assert rollback.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_system_that_cannot_be_rolled_back_is_refused(tmp_path):
    (tmp_path / "readiness.toml").write_text(READINESS)
    done = _run("--target", str(tmp_path / "readiness.toml"))
    assert done.status == 2
    assert "commands.deploy, commands.rollback, releases.candidate" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_engine_it_says_so():
    done = _run()
    assert done.status == 3
    assert "readygate doctor" in done.stderr


def _switch(folder: Path, number: int, *requests: Request) -> Switch:
    record = folder / f"{number}.ndjson"
    record.write_text("".join(json.dumps(asdict(request)) + "\n" for request in requests))
    there, back = (
        Released(Completed(("x",), 0, "", "", seconds), began, {"phases": {"switch": seconds / 2}})
        for began, seconds in ((100.0 * number, 4.0 * number), (100.0 * number + 50, 2.0 * number))
    )
    stream = Traffic(record, lambda _: "succeeded")
    return Switch(there, back, stream, there.span, back.span, alone_s=0.5 * number, switched_s=None, both_seen=True)


def _findings(folder: Path, *, status: int, entries: list[Entry] = DONE, effects: int = 1) -> Findings:
    found = Findings(per_second=50, jobs=5, repeats=3)
    found.switches += [_switch(folder, n, Request("/", 0, 0, 0.1 * n, 200)) for n in (1, 2)]
    found.switches.append(_switch(folder, 3, Request("/", 0, 0, 0.3, status)))
    found.reconciled(reconcile(entries, {"j1": effects}))
    return found


def _figures(folder: Path, findings: Findings) -> dict:
    (folder / "readiness.toml").write_text(READINESS)
    return figures(findings, load(folder / "readiness.toml", profile="quick"))


def test_times_are_told_by_phase_with_median_and_worst(tmp_path):
    findings = _findings(tmp_path, status=200)
    found = json.loads(json.dumps(_figures(tmp_path, findings)))
    assert found["deployment"]["switch"] == {"n": 3, "median": 4.0, "worst": 6.0, "samples": [2.0, 4.0, 6.0]}
    assert found["rollback"]["in all"]["worst"] == 6.0
    assert found["alone_s"]["median"] == 1.0
    assert found["switched_s"] == {"n": 0}
    assert found["requests"] == {"sent": 3, "failed": 0}
    assert found["problems"] == []
    console = Console(width=120, record=True, file=StringIO())
    for table in tables(found):
        console.print(table)
    shown = console.export_text()
    assert re.search(r"deployment\W+switch\W+3\W+4\.00\W+6\.00", shown)
    assert "sent 3, failed 0" in shown


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": 503}, "1 of 3 requests failed"),
        ({"status": 200, "effects": 0}, "1 lost"),
        ({"status": 200, "effects": 2}, "1 duplicated"),
        ({"status": 200, "entries": [Entry("k1", 0.0, "j1", 0.1)]}, "1 pending"),
        ({"status": 200, "entries": [Entry("k1", 0.0, "j1", 0.1, "failed", 1.0)]}, "1 failed"),
    ],
)
def test_what_failed_is_a_problem(tmp_path, changes, said):
    findings = _findings(tmp_path, **changes)
    assert any(said in problem for problem in findings.problems), findings.problems
    assert _figures(tmp_path, findings)["problems"] == findings.problems


def test_a_moment_has_its_repeat(tmp_path):
    findings = _findings(tmp_path, status=200)
    assert findings.at(99) == "before the first deployment"
    assert findings.at(201) == "repeat 2, deployment: switch"
    assert findings.at(270) == "repeat 2, after the rollback"
