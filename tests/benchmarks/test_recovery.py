"""The benchmark of recovery without an engine: it starts, refuses what it cannot do, and tells what did not come back."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.recovery import figures, problems, table
from fixtures.ledger import Entry, reconcile
from fixtures.recovery.canary import PRECIOUS, Point, Row
from fixtures.recovery.clean_host import Done, Step
from fixtures.recovery.elsewhere import Loss, Rebuilt, Returned
from fixtures.recovery.rehearsal import Rehearsal
from gate import shell
from gate.shell import Completed
from gate.target import load

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TARGET = load(ROOT / "readiness.toml", "quick")
ROWS = tuple(Row(n, 100.0 + n, f"0/{n}") for n in range(1, 101))
POINT = Point(150.5, replace(ROWS[49], note="before 1"), replace(ROWS[50], note="after 1"))
JOB = Entry("k", 190.0, "j", 190.1, "succeeded", 191.0)


def _run(*arguments: str) -> Completed:
    argv = [sys.executable, "-m", "benchmarks.recovery", *arguments]
    return shell.run(argv, cwd=ROOT, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"}, timeout_s=60)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--points", "0"), "'0' is no whole number of at least 1"),
        (("--size-mb", "much"), "'much' is no whole number"),
        (("--target", "nowhere.toml"), "nowhere.toml: there is no such file"),
        (("--json", "nowhere/figures.json"), "there is no such folder"),
        (("--target", "examples/minimal/readiness.toml"), "there is nothing to restore"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_starts(arguments: tuple[str, ...], said: str) -> None:
    done = _run(*arguments)
    assert done.status == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def rehearsed(**changed: Any) -> Rehearsal:
    """A rehearsal that went well, but for what is changed."""
    rows = tuple(POINT.marked if row.n == POINT.marked.n else row for row in ROWS)
    report = {"phases": {"restore": 2.0}, "backup_bytes": 30_000_000}
    done = Done((Step("restore", 5.0, 0, report), Step("start", 4.0, 0)))
    entries = (JOB, replace(JOB, key="k2", job_id="j2", outcome="missing"))
    account = reconcile(entries, {"j": 1})
    values: dict[str, Any] = {
        "points": [POINT],
        "loss": Loss(200.5, 0.0, 15, entries, rows, "same"),
        "rebuilt": Rebuilt(done, rows[:80], 5_000_000, 0.1, 30_000_000, 40.0, account),
        "returned": [Returned(POINT, done, rows[:50], PRECIOUS, works=True)],
    }
    assert TARGET.restore
    return Rehearsal(cast("Any", None), TARGET.restore, TARGET.limits, **(values | changed))


def test_a_good_one_has_no_problem_and_its_figures_are_those_of_what_was_seen() -> None:
    found = figures(rehearsed(), TARGET, Namespace(size_mb=30, points=1))
    assert found["problems"] == []
    assert (found["rto_s"], found["rpo_s"], found["points_exact"]) == (40.0, 20.5, 1)
    assert found["restored_mb_per_s"] == 15.0
    assert table(found).row_count == 9


GOOD = rehearsed().returned[0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rebuilt": None}, "the host was not lost"),
        ({"rebuilt": Rebuilt(Done(()), (), 0, 0.0, failed="no repository")}, "no repository"),
        ({"returned": []}, "0 of 1 points"),
        ({"returned": [replace(GOOD, rows=ROWS[:60])]}, "later than it was told, by 9.500 s"),
        ({"returned": [replace(GOOD, rows=ROWS[:40])]}, "earlier than it was told: the last row is 10.500 s"),
        ({"returned": [replace(GOOD, rows=GOOD.rows[10:])]}, "10 rows of before are missing"),
        ({"returned": [replace(GOOD, rows=())]}, "was not reached"),
        ({"returned": [replace(GOOD, precious=0)]}, "not whole"),
        ({"returned": [replace(GOOD, differences=("tables: a was 1, is 2",))]}, "tables: a was 1, is 2"),
        (
            {"loss": replace(cast("Loss", rehearsed().loss), at=900.0)},
            "1 acknowledged jobs were lost, the oldest of 710 s",
        ),
    ],
)
def test_what_did_not_come_back_is_told(changed: dict[str, Any], said: str) -> None:
    assert any(said in sentence for sentence in problems(rehearsed(**changed))), list(problems(rehearsed(**changed)))
