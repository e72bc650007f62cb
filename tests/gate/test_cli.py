"""The command: a user's mistake is one error, a hint and a status; never a traceback, and never a wait for `--help`."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gate import cli, commands, results
from gate.errors import CouldNotRunError, Stopped, UsageError
from gate.model import Decision
from gate.status import ExitStatus
from tests.gate import bench
from tests.gate.toml_files import READINESS, written
from tests.reports.factory import go, incomplete, judge, no_go

ROOT = Path(__file__).parents[2]


def readygate(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "readygate" / "__main__.py"), *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of a user, with a small system that is whole."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, READINESS)
    (tmp_path / "compose.yaml").touch()
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = cli.main(arguments, bench.tools)
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["run", "--target", "none.toml"], r"none\.toml: there is no such file", "mend: readygate init"),
        (["prove", "--target", "none.toml"], r"none\.toml: there is no such file", "mend: readygate init"),
        (["run", "--target", "."], "cannot be read: Is a directory", ""),
        (["rnu"], "invalid choice: 'rnu' .*, did you mean 'run'?", "hint: readygate --help"),
        (
            ["run", "--profile", "relase"],
            "invalid choice: 'relase' .*did you mean 'release'?",
            "hint: readygate run --help",
        ),
        (["run", "--check"], "argument --check: expected one argument", "hint: readygate run --help"),
        (
            ["run", "--kep"],
            "unrecognized arguments: --kep, did you mean '--keep'?",
            "hint: readygate run --help",
        ),
        (["compare", "one", "two", "three"], "unrecognized arguments: three", "hint: readygate compare --help"),
        ([], "the following arguments are required: COMMAND", "hint: readygate --help"),
        (["run", "--only", "lod"], "unknown area 'lod', did you mean 'load'?", "hint: readygate run --help"),
        (["run", "--check", "load.five-job"], "did you mean 'load.five-jobs'?", "hint: readygate list"),
        (["run", "--advisories", "none.zip"], "--advisories: there is no file or folder", "hint: readygate run --help"),
        (["prove", "--advisories", "none"], "--advisories: there is no file or folder", "hint: readygate run --help"),
        (["run", "--baseline", "none"], "there is no run 'none', nor any in .*/runs", "hint: readygate run"),
        (["prove", "--baseline", "none"], "there is no run 'none'", "hint: readygate run"),
        (["prove", "--defect", "none"], "unknown defect 'none'", "hint: readygate list --json"),
        (["prove", "--catalogue", "none"], "none: holds no sabotage", ""),
        (["explain", "load.five-job"], "did you mean 'load.five-jobs'?", "hint: readygate list"),
        (["report", "none"], "there is no run 'none', nor any in .readygate/runs", "hint: readygate run"),
        (["compare", "none", "latest"], "there is no run 'none'", "hint: readygate run"),
        (["report", ".", "--format", "pdf"], "unknown format 'pdf'", "hint: readygate report --help"),
        (["report", "compose.yaml"], "compose.yaml: not JSON", "readygate run"),
        (["init"], "readiness.toml is there already and stays as it is", "hint: readygate init --target"),
        (["init", "--target", "no/folder.toml"], "no/folder.toml cannot be written", "hint: ls -ld no"),
    ],
)
def test_a_mistake_on_the_command_line(here, capsys, arguments, error, hint):
    status, text = said(capsys, *arguments)
    assert status == ExitStatus.USAGE
    assert re.match(f"error: .*{error}".replace("?", r"\?"), text)
    assert hint in text
    assert text.count("error:") == 1
    assert "Traceback" not in text
    assert {path.name for path in here.iterdir()} == {"readiness.toml", "compose.yaml"}, "nothing is left behind"


def test_an_area_without_checks(here, capsys, monkeypatch):
    monkeypatch.setattr(commands.catalogue, "checks", lambda _profile=None: ())
    assert said(capsys, "run", "--only", "access") == (
        2,
        "error: there is no check yet in access\nhint: readygate list\n",
    )


@pytest.mark.parametrize(
    ("file", "text", "error"),
    [
        ("readiness.toml", "schema = 1\nti tle", r"readiness\.toml:2: is not TOML"),
        ("readiness.toml", READINESS.replace("[roles]", "[rolls]"), "did you mean \"roles\""),
        ("readiness.toml", READINESS.replace('"compose.yaml"', '"other.yaml"'), 'there is no file "other.yaml"'),
        ("waivers.toml", "[[waiver]]\ncheck = 1\n", r"waivers\.toml"),
        ("waivers.toml", "[[waiver", r"waivers\.toml:1: is not TOML"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used(here, capsys, file, text, error):
    (here / file).write_text(text)
    status, told = said(capsys, "run")
    assert status == ExitStatus.USAGE
    assert re.match(f"(?s)error: .*{error}", told)
    assert "Traceback" not in told
    assert not (here / ".readygate").exists()


def test_a_folder_in_which_no_run_can_be_kept(here, capsys):
    (here / ".readygate").write_text("in the way")
    status, told = said(capsys, "run")
    assert status == ExitStatus.COULD_NOT_RUN
    assert re.match(r"error: .*\.readygate/runs/.* cannot be made: .*\nhint: df -h", told)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["run"], ["prove"], ["clean"]])
def test_no_engine(here, arguments):
    done = readygate(*arguments, cwd=here, DOCKER_HOST="unix:///no/such/engine.sock")
    assert done.returncode == ExitStatus.COULD_NOT_RUN
    assert re.match("error: no Docker engine answers: .*\nhint: readygate doctor\n$", done.stderr)
    assert not (here / ".readygate").exists()


def test_the_systems_preparation_refuses(here, capsys):
    def prepare(_target: object, _prefix: object) -> None:
        raise CouldNotRunError("an image does not build", "make setup")

    status = cli.main(["run", "--quiet"], lambda: replace(bench.tools(), prepare=prepare))
    assert status == ExitStatus.COULD_NOT_RUN
    assert capsys.readouterr().err == "error: an image does not build\nhint: make setup\n"
    run, verdict = results.read(here / ".readygate/runs/latest/results.json")
    assert (run.sealed, verdict.decision) == (False, Decision.INCOMPLETE)


def test_what_cannot_be_removed_costs_no_results(here, capsys, monkeypatch):
    def sweep(_run: str) -> list[str]:
        raise CouldNotRunError("the engine is gone")

    monkeypatch.setattr(commands.catalogue, "checks", lambda _profile=None: ())
    status = cli.main(["run"], lambda: replace(bench.tools(), sweep=sweep))
    told = capsys.readouterr()
    assert status == ExitStatus.INCOMPLETE
    assert "not everything could be removed: the engine is gone\nhint: readygate clean" in told.err
    run, _ = results.read(here / ".readygate/runs/latest/results.json")
    assert run.sealed
    assert (here / ".readygate/runs/latest/report.html").is_file()


@pytest.mark.slow
def test_colours_are_for_terminals_and_for_those_who_ask(here):
    results.write(*judge(no_go()), here / "results.json")
    plain = readygate("compliance", "--results", ".", cwd=here, FORCE_COLOR="", NO_COLOR="")
    asked = readygate("compliance", "--results", ".", cwd=here, FORCE_COLOR="1", NO_COLOR="")
    assert "\x1b" not in plain.stdout
    assert "\x1b[" in asked.stdout


@pytest.mark.slow
@pytest.mark.parametrize("run", [go(), no_go(), incomplete()], ids=["go", "no-go", "incomplete"])
def test_documents_are_written_anew_without_an_engine(here, run):
    results.write(*judge(run), here / "results.json")
    done = readygate("report", ".", cwd=here, DOCKER_HOST="unix:///no/such/engine.sock")
    assert (done.returncode, done.stderr) == (0, "")
    assert {Path(line).name for line in done.stdout.split()} == {
        "report.html",
        "summary.md",
        "handoff.md",
        "junit.xml",
        "readiness.sarif",
        "statement.json",
    }


@pytest.mark.parametrize(
    ("raised", "status", "text"),
    [
        (UsageError("what", "mend"), 2, "error: what\nhint: mend"),
        (UsageError("what"), 2, "error: what"),
        (CouldNotRunError("what", "mend"), 3, "error: what\nhint: mend"),
        (Stopped(2), 130, "SIGINT: left at once; remove what is still there with: readygate clean"),
        (Stopped(15), 143, "SIGTERM: left at once; remove what is still there with: readygate clean"),
        (KeyboardInterrupt(), 130, "interrupted before anything was judged"),
        (
            OSError(errno.ENOSPC, "No space left on device", "x"),
            3,
            "error: x: No space left on device\nhint: readygate doctor",
        ),
    ],
)
def test_every_end_has_its_status(here, raised, status, text):
    told: list[str] = []

    def command() -> ExitStatus:
        raise raised

    assert (cli.guarded(command, told.append), told) == (status, [text])


def test_a_bug_keeps_its_traceback_without_secrets(here):
    told: list[str] = []

    def command() -> ExitStatus:
        raise RuntimeError("password=hunter2222")

    assert cli.guarded(command, told.append) == ExitStatus.BUG
    (path,) = (here / ".readygate").iterdir()
    assert told == [f"error: a bug in readygate; the traceback is in .readygate/{path.name}"]
    assert "RuntimeError: password=***" in path.read_text()
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("in the way")
    assert cli.guarded(command, told.append) == ExitStatus.BUG
    assert "Traceback" in told[1]


def test_help_tells_every_exit_status_and_is_quick(tmp_path):
    """Processor time, because others use this machine; the best of three. It imports nothing that is slow."""
    code = (
        "import sys; from readygate.command import main; s = main(); print(*sys.modules, file=sys.stderr); sys.exit(s)"
    )
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert done.returncode == 0
    for status in ExitStatus:
        assert f"{int(status):>3}  {status.sentence}" in done.stdout
    slow = {"pytest", "rich", "locust", "docker", "pydantic", "jinja2", "testcontainers", "jsonschema", "httpx"}
    assert slow & set(done.stderr.split()) == set()
    assert min(times) < 0.3, times


@pytest.mark.slow
def test_list_and_explain(tmp_path):
    listed = json.loads(readygate("list", "--json", cwd=tmp_path).stdout)
    assert len(listed) >= 13
    explained = readygate("explain", listed[0]["id"], cwd=tmp_path)
    assert explained.returncode == 0
    assert explained.stdout.startswith(f"### {listed[0]['id']}")


@pytest.mark.slow
def test_a_reader_that_leaves_early_changes_no_status(here):
    """rich would end the process with 1, which is our NO-GO; Python itself with 120."""
    script = f'"{sys.executable}" -m tests.gate.drive suites manifest.json "$@" | true; exit "${{PIPESTATUS[0]}}"'
    (here / "manifest.json").write_text("[]")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    for arguments, status in ((["list", "--json"], ExitStatus.GO), (["run"], ExitStatus.INCOMPLETE)):
        done = subprocess.run(
            ["bash", "-c", script, "-", *arguments],
            cwd=here,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr, "Exception" in done.stderr) == (status, False, False)


@pytest.mark.slow
def test_a_terminal_that_lacks_our_signs_costs_nothing(here):
    results.write(*judge(no_go()), here / "results.json")
    done = readygate("list", cwd=here, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, "")
