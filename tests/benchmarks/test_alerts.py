"""The benchmark of alerts without an engine: it starts, refuses what it cannot do, and shows what was not told as such."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import alerts
from benchmarks.alerts import Findings, figures, tables
from fixtures.alarms.sighting import Sighting
from gate import shell
from gate.shell import Completed
from gate.target import load
from tests.gate.toml_files import READINESS, written

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def _run(*arguments: str) -> Completed:
    argv = [sys.executable, "-m", "benchmarks.alerts", *arguments]
    return shell.run(argv, cwd=ROOT, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"}, timeout_s=60)


def test_it_says_what_it_takes():
    done = _run("--help")
    assert done.status == 0
    assert {"--repeats", "--fault", "--json"} <= set(done.stdout.replace("[", " ").split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--repeats", "0"], "no whole number of at least 1"),
        (["--fault", "api-donw"], "unknown fault"),
        (["--json", "nowhere/figures.json"], "there is no such folder"),
        (["--target", "nowhere.toml"], "there is no such file"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_starts(capsys, arguments, said):
    assert alerts.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_system_without_alerts_is_refused(tmp_path):
    done = _run("--target", str(written(tmp_path, READINESS)))
    assert done.status == 2
    assert "there is nobody to be told" in done.stderr
    assert "Traceback" not in done.stderr


def test_times_are_shown_by_fault_with_median_and_worst(tmp_path):
    def seen(received: float) -> Sighting:
        hops = {"rule": 0.5, "firing": 0.5, "received": received}
        return Sighting("api-down", "ApiDown", "pager", hops, 2.0, "its process is gone", ("WorkerDown",))

    target = load(written(tmp_path, READINESS))
    findings = Findings(
        3, {"api-down": [seen(1.0), seen(3.0), seen(2.0)], "api-slow": []}, ["api-slow: nobody was told"]
    )
    findings.costs = {"samples_per_s": 700.0}
    found = figures(findings, target)
    told = found["faults"]["api-down"]
    assert (told["received"]["median"], told["received"]["worst"], told["also"]) == (2.0, 3.0, ["WorkerDown"])
    out = Console(file=StringIO(), width=160)
    for table in tables(found):
        out.print(table)
    text = out.file.getvalue()
    assert "ApiDown → pager" in text
    assert "samples per s 700.0" in text
    assert any(line.count("–") >= 5 for line in text.splitlines() if "api-slow" in line)
