"""Attacks on the gate itself: what a system, its files or its tools say is shown, kept and passed on, and never acts."""

from __future__ import annotations

import html
import io
import json
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from fixtures import compose
from gate import cli, results, shell, waivers
from gate import target as targets
from gate.evidence import Evidence
from gate.model import Outcome
from gate.progress import Progress
from gate.redact import Redactor
from gate.status import ExitStatus
from gate.target import TargetError
from gate.text import visible
from tests.gate import bench
from tests.gate.toml_files import READINESS, written
from tests.reports import hostile as texts
from tests.reports.factory import TODAY

pytestmark = pytest.mark.slow

COMMANDS = "::set-output name=x::y\n  ::add-mask::a\n##[error]owned ##vso[task.setvariable variable=x]y ##teamcity[x]"
# A line of a megabyte goes through each renderer in tests/reports; a run passes every text on some thirty times.
HOSTILE = {**texts.ALL, "commands": COMMANDS, "long": texts.LONG[:100_000]}
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
OBEYED = re.compile(r"^\s*::[A-Za-z][\w-]*(?:\s[^\n]*)?::|##\w*\[", re.MULTILINE)
PATHS = ("../../up", "/etc/passwd", "..", ".", "a/../../b", "evidence.ndjson", "\x00", "-rf", "con:x", "A" * 5000)


def harmless(said: str) -> bool:
    """Whether a terminal and a build server would only show it."""
    return not ACTING.search(said) and not OBEYED.search(said)


def toml(text: str) -> str:
    """A text as a basic string of TOML, every character but the plainest escaped."""
    kept = text.encode("utf-8", "replace").decode()
    return '"' + "".join(c if c.isalnum() else f"\\U{ord(c):08x}" for c in kept) + '"'


@given(st.text(st.characters()) | st.text(st.sampled_from(":#[]abc \n-=")))
def test_whatever_is_said_a_terminal_only_shows_it(text: str) -> None:
    assert harmless(visible(text))
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    "plain",
    ["a line\n\tand another", "tests/x.py::test_y", "C++ std::vector<int>", "# heading", "## [1.2] changes", "a: :b"],
)
def test_ordinary_words_stay_as_they_are(plain: str) -> None:
    assert visible(plain) == plain


SUITE = """
TEXT = {text!r}
PATHS = {paths!r}

@a("security.failed")
def test_failed(evidence):
    evidence.observed(1, TEXT)
    print(TEXT)
    for name in PATHS:
        evidence.attach(name, TEXT)
    evidence.attach(TEXT, TEXT)
    evidence.value(TEXT, {{TEXT: [TEXT]}})
    evidence.event(TEXT, TEXT)
    evidence.measure(TEXT, 1.0, TEXT)
    evidence.series(TEXT, TEXT, [(0.0, 1.0)])
    raise AssertionError(TEXT)

@a("security.unseen")
def test_unseen(evidence):
    raise Unverified(TEXT)

@a("security.broken")
def test_broken(evidence):
    raise ValueError(TEXT)
"""


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_a_check_saw_acts_nowhere(tmp_path: Path, text: str) -> None:
    """A whole run: its documents, its evidence, the lanes' own logs and pages."""
    text = text.encode("utf-8", "replace").decode()
    suite = bench.HEAD + SUITE.format(text=text, paths=PATHS)
    ids = ("security.failed", "security.unseen", "security.broken")
    ended = bench.judged(tmp_path, {"security/test_a.py": suite}, ids)
    found = bench.by_id(ended)
    outcomes = [found[id_].outcome for id_ in ids]
    assert outcomes == [Outcome.FAILED, Outcome.UNVERIFIED, Outcome.UNVERIFIED], bench.log(ended)
    kept = {path.relative_to(tmp_path) for path in bench.every_file(tmp_path)}
    assert {path.parts[0] for path in kept} == {"runs", "suites", "system"}
    for attachment in found["security.failed"].attachments:
        path = ended.folder / attachment.path
        assert path.resolve().is_relative_to(ended.folder.resolve() / "evidence" / "security.failed")
        assert path.is_file()
        assert re.fullmatch(r"[\w.-]+", path.name)
        assert len(path.name) < 120
    for document in ("report.html", "summary.md", "junit.xml", "readiness.sarif"):
        assert harmless((ended.folder / document).read_text()), document
    assert not ACTING.search((ended.folder / "results.json").read_text())
    for log in (ended.folder / "lanes").glob("*.log"):
        assert harmless(log.read_text()), log.read_text()[-2000:]
    for page in (ended.folder / "pytest").glob("*.html"):
        said = logs_of(page.read_text())
        assert "<script>alert" not in said
        assert "<img" not in said


def logs_of(text: str) -> str:
    """What pytest-html's page makes markup of: every log in its data."""
    blob = re.search(r'data-jsonblob="([^"]*)"', text)
    assert blob
    data = json.loads(html.unescape(blob[1]))
    return "".join(str(test["log"]) for tests in data["tests"].values() for test in tests)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("terminal", [True, False])
def test_progress_on_a_terminal_and_in_a_log(text: str, terminal: bool) -> None:  # noqa: FBT001
    console = Console(file=io.StringIO(), width=80, color_system=None, force_terminal=terminal)
    progress = Progress(console)
    progress.say(text)
    progress._finished(bench.CheckResult.of(bench.expected("security.one"), Outcome.FAILED, text))
    assert isinstance(console.file, io.StringIO)
    assert harmless(console.file.getvalue())
    progress.say(":warning: [bold]as it is[/bold]")
    assert console.file.getvalue().endswith(":warning: [bold]as it is[/bold]\n")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("place", ["value", "key", "service", "waiver"])
def test_a_file_of_the_system_that_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").touch()
    said = toml(text[:2000])
    spoilt = {
        "value": READINESS.replace('scheme = "http"', f"scheme = {said}"),
        "key": READINESS.replace('scheme = "http"', f'scheme = "http"\n{said} = 1'),
        "service": READINESS.replace('service = "web"', f"service = {said}"),
        "waiver": READINESS,
    }[place]
    written(tmp_path, spoilt)
    if place == "waiver":
        (tmp_path / "waivers.toml").write_text(f"[[waiver]]\ncheck = {said}\n{said} = 1\n")
    assert cli.main(["run"], bench.tools) == ExitStatus.USAGE
    caught = capsys.readouterr()
    assert caught.err.startswith("error: ")
    assert "Traceback" not in caught.err
    assert harmless(caught.err + caught.out)
    assert {path.name for path in tmp_path.iterdir()} <= {"readiness.toml", "compose.yaml", "waivers.toml"}


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ('[commands]\ndeploy = ["true", "{release}\\u0000"]\n', "commands/deploy/2"),
        ('[stack.env]\n"A\\u0000" = "x"\n', "stack/env"),
        ('[stack.env]\nA = "x\\u0000"\n', "stack/env/A"),
    ],
)
def test_the_character_that_nothing_can_be_started_with_is_refused_by_place(
    tmp_path: Path, more: str, where: str
) -> None:
    with pytest.raises(TargetError, match=rf"{where}: must not hold the character U\+0000"):
        targets.load(written(tmp_path, READINESS + more), "quick")
    (tmp_path / "waivers.toml").write_text('[[waiver]]\ncheck = "a.b\\u0000"\n')
    with pytest.raises(waivers.WaiverError, match=r"waiver/1/check: must not hold the character U\+0000"):
        waivers.load(tmp_path / "waivers.toml", TODAY)


@pytest.mark.parametrize("name", ["A=B", "", "A\\nCOMPOSE_PROJECT_NAME", "1A", "A B", "$(id)", "A\\u001b[2J"])
@pytest.mark.parametrize("table", ["stack.env", "profiles.quick.env", "commands_env.quick"])
def test_what_is_no_name_of_a_variable_is_refused(tmp_path: Path, name: str, table: str) -> None:
    with pytest.raises(TargetError, match="must be the name of a variable"):
        targets.load(written(tmp_path, READINESS + f'[{table}]\n"{name}" = "x"\n'), "quick")


@pytest.mark.parametrize("value", ["x\nCOMPOSE_PROJECT_NAME=other", "x\rA=b", "x\x0bA=b", "x'y", "\x1b[2J"])
def test_a_value_cannot_become_another_line_of_an_environment_file(value: str) -> None:
    with pytest.raises(compose.ComposeError, match="neither a line break nor a single quote"):
        compose.merge_env("A=1\n", {"A": value})


@pytest.mark.parametrize("value", ["$(touch owned)", "`touch owned`", "; touch owned", "$HOME", "a b\tc", "#x", "ü"])
def test_a_value_of_an_environment_file_stays_one_text(value: str) -> None:
    assert compose.merge_env("", {"A": value}) in (f"A='{value}'\n", f"A={value}\n")
    assert list(compose.read_env(compose.merge_env("B=1\n", {"A": value}))) == ["B", "A"]


@pytest.mark.parametrize(
    "word", ["; touch owned", "$(touch owned)", "`touch owned`", "| touch owned", "'\"\n", "--help", "*"]
)
def test_no_shell_reads_an_argument(tmp_path: Path, word: str) -> None:
    program = [sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", word]
    assert json.loads(shell.run(program, cwd=tmp_path).check("saying its arguments").stdout) == [word]
    assert list(tmp_path.iterdir()) == []


def test_results_on_standard_output_are_no_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").touch()
    written(tmp_path, READINESS.replace('title = "Post office"', f"title = {toml(COMMANDS + texts.TERMINAL)}"))
    monkeypatch.setattr("gate.commands.catalogue.checks", lambda _profile=None: ())
    assert cli.main(["run", "--json"], bench.tools) == ExitStatus.INCOMPLETE
    told = capsys.readouterr()
    assert harmless(told.out)
    assert harmless(told.err)
    assert "::" not in told.out
    path = tmp_path / ".readygate/runs/latest/results.json"
    assert json.loads(told.out) == json.loads(path.read_text())
    assert results.read(path)[0].target["title"] == COMMANDS + texts.TERMINAL


@given(name=st.text(st.characters()) | st.sampled_from(PATHS))
def test_a_file_of_evidence_stays_in_its_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("run")
    evidence = Evidence("security.one", folder, lambda: 0.0, Redactor())
    kept = [evidence.attach(name, "first"), evidence.attach(name, "second")]
    assert [(folder / each.path).read_text() for each in kept] == ["first", "second"]
    assert all((folder / each.path).resolve().parent == folder / "evidence" / "security.one" for each in kept)
