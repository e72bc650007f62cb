"""`readygate compliance`: the matrix, what is missing, and 0 at 100 % alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from gate import cli, results
from gate.errors import UsageError
from gate.model import Run
from gate.selection import selected
from gate.status import ExitStatus
from tests.gate import bench
from tests.gate.toml_files import READINESS, written
from tests.reports import hostile as texts
from tests.reports.factory import go, hostile, incomplete, judge, no_go

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, READINESS)
    (tmp_path / "compose.yaml").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("run", "status", "words"),
    [
        (go(), ExitStatus.GO, ["✓ 100 %: 5 of 5 applicable", "C01 No process runs as root (security.container-user)"]),
        (
            no_go(),
            ExitStatus.NO_GO,
            ["✕ 14 %: 1 of 7 applicable", "Missing for 100 % (6)", "? C49 Every operation needs authentication: missing"],
        ),
        (incomplete(), ExitStatus.INCOMPLETE, ["? 28 %: 2 of 7 applicable", "ASVS 5.0.0: 0 of 3", "3 of 345"]),
    ],
    ids=["go", "no-go", "incomplete"],
)  # fmt: skip
def test_an_earlier_run(
    here: Path, capsys: pytest.CaptureFixture[str], run: Run, status: int, words: list[str]
) -> None:
    results.write(*judge(run), here / "results.json")
    for given in (".", "results.json"):
        assert cli.main(["compliance", "--results", given], bench.tools) == status
        said = " ".join(capsys.readouterr().out.split())
        assert [word for word in words if word not in said] == []


def test_results_without_controls_are_no_compliance(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results.write(*judge(replace(go(), controls=(), standards=())), here / "results.json")
    assert cli.main(["compliance", "--results", "."], bench.tools) == ExitStatus.USAGE
    assert "holds no security controls\nhint: scripts/compliance-check.sh" in capsys.readouterr().err


@pytest.mark.parametrize("text", [text[:100_000] for text in texts.ALL.values()], ids=texts.ALL)
def test_nothing_in_it_acts_on_the_terminal(here: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    results.write(*judge(hostile(text.encode("utf-8", "replace").decode())), here / "results.json")
    assert cli.main(["compliance", "--results", "."], bench.tools) == ExitStatus.NO_GO
    said = capsys.readouterr().out
    assert not [c for c in said if (ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066"]


def test_results_json_holds_the_matrix(here: Path) -> None:
    results.write(*judge(no_go()), here / "results.json")
    held = json.loads((here / "results.json").read_text())["compliance"]
    assert (held["total"], held["applicable"], held["verified"], held["complete"]) == (8, 7, 1, False)
    assert {each["id"]: each["standing"] for each in held["controls"]}["C49"] == "missing"
    assert held["standards"][0] == {
        "name": "ASVS 5.0.0", "controls": 3, "applicable": 3, "verified": 0, "requirements": 3, "total": 345,
    }  # fmt: skip


@pytest.mark.slow
def test_a_run_of_its_own_asks_for_exactly_what_verifies_a_control(here: Path) -> None:
    (here / "manifest.json").write_text(
        json.dumps(
            [
                asdict(replace(bench.expected(id_), standards=standards))
                for id_, standards in (("security.one", ("C01",)), ("load.two", ("C20",)), ("load.three", ("CWE-1",)))
            ]
        )
    )
    bench.suites(
        here, {"security/test_a.py": bench.healthy("security.one"), "load/test_b.py": bench.healthy("load.two")}
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.gate.drive", str(here / "suites"), "manifest.json", "compliance", "-q"],
        cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == ExitStatus.INCOMPLETE, done.stderr
    said = " ".join(done.stdout.split())
    assert "3 %: 2 of 62 applicable security controls verified (of 62: 60 missing, 2 verified)" in said
    run, _ = results.read(here / ".readygate/runs/latest/results.json")
    assert [check.id for check in run.checks] == ["security.one", "load.two"]
    assert run.narrowed == "2 of 3 checks selected (those that verify a security control)"


def test_only_can_be_said_again() -> None:
    for said in (["--only", "load", "--only", "rollback"], ["--only", "load,rollback"]):
        chosen, narrowed = selected(cli.parser().parse_args(["run", *said]))
        assert {check.area for check in chosen} == {"load", "rollback"}
        assert narrowed is not None
        assert "(load, rollback)" in narrowed
    with pytest.raises(UsageError, match="unknown area 'lod'"):
        selected(cli.parser().parse_args(["run", "--only", "load", "--only", "lod"]))


def handed_on(folder: Path, script: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A script beside a command that prints what it was given and ends with 4."""
    (folder / "scripts").mkdir(parents=True, exist_ok=True)
    for name in (f"{script}.sh", "absolute-paths.sh", "stands-for.sh"):
        (folder / "scripts" / name).write_bytes((ROOT / "scripts" / name).read_bytes())
    argv = ["sh", str(folder / "scripts" / f"{script}.sh"), *words]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("script", ["compliance-check", "security-scan", "test-access-controls"])
def test_the_scripts_hand_on_what_they_are_given(tmp_path: Path, script: str) -> None:
    project, elsewhere = tmp_path / "a project", tmp_path / "else where"
    elsewhere.mkdir()
    done = handed_on(project, script, cwd=elsewhere)
    assert (done.returncode, done.stderr) == (3, f"{script}.sh: there is no .venv; run: make setup\n")
    fake = project / ".venv/bin/readygate"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 4\n')
    fake.chmod(0o755)
    given = ("--advisories", "a folder; `id`", "--advisories=b", "--target", "t.toml", "-q")
    done = handed_on(project, script, *given, cwd=elsewhere)
    assert done.returncode == 4
    assert done.stdout.splitlines()[0] == ("compliance" if script == "compliance-check" else "run")
    assert done.stdout.splitlines()[-6:] == [
        "--advisories", f"{elsewhere}/a folder; `id`", f"--advisories={elsewhere}/b", "--target", "t.toml", "-q",
    ]  # fmt: skip
    for plain in (
        ["--advisories", "https://mirror.example/all.zip"],
        ["--advisories=/srv/osv"],
        ["--results", "/srv/run"],
    ):
        assert handed_on(project, script, *plain, cwd=elsewhere).stdout.splitlines()[-len(plain) :] == plain


def test_an_earlier_run_is_named_by_its_id_or_by_a_path_from_where_one_is(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "a project", tmp_path / "else where"
    fake = project / ".venv/bin/readygate"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    (elsewhere / "a run").mkdir(parents=True)
    (elsewhere / "results.json").write_text("{}")
    run = "20261123-114307-7f3a"
    for given, handed in (
        ("latest", "latest"),
        (run, run),
        ("a run", f"{elsewhere}/a run"),
        ("./results.json", f"{elsewhere}/./results.json"),
    ):
        for words, expected in (
            (("--results", given), ["compliance", "--results", handed]),
            ((f"--results={given}",), ["compliance", f"--results={handed}"]),
        ):
            done = handed_on(project, "compliance-check", *words, cwd=elsewhere)
            assert done.stdout.splitlines() == expected, done.stderr


SCRIPTS = {
    "compliance-check": "compliance",
    "security-scan": "run --part --only security",
    "test-access-controls": "run --part --only access",
    "test-alerts": "run --part --check monitoring.alert-* --check monitoring.coverage",
    "test-dashboards": "run --part --check monitoring.targets",
    "test-monitoring": "run --part --only monitoring",
}


@pytest.mark.parametrize(("script", "begins"), SCRIPTS.items())
def test_whoever_asks_a_script_for_help_is_told_first_what_it_stands_for(
    tmp_path: Path, script: str, begins: str
) -> None:
    fake = tmp_path / ".venv/bin/readygate"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    fake.chmod(0o755)
    (tmp_path / "monitoring.alert-here").touch()  # no shell may match a pattern that is the gate's
    quiet = handed_on(tmp_path, script, "-q", cwd=tmp_path).stdout
    told, _, rest = handed_on(tmp_path, script, "-q", "--help", cwd=tmp_path).stdout.partition("\n\n")
    assert told.startswith(f"scripts/{script}.sh stands for: readygate {begins}")
    asked = told.partition("readygate ")[2].split()
    assert quiet == "".join(f"<{word}>" for word in [*asked, "-q"])
    assert rest == quiet + "<--help>"
    cli.parser().parse_args(asked)
