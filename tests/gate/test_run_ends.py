"""However a run ends, its exit status, its last words and results.json agree, and nothing but a whole green run is a GO."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.wait import until
from gate import catalogue, owner, results, shell
from gate.model import Decision, Outcome, Run, Verdict
from gate.runner import today
from tests.gate import bench
from tests.gate.toml_files import READINESS, written

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
HANGS = """
@a("recovery.hangs")
def test_hangs(evidence):
    evidence.observed(1, "thing")
    time.sleep(600)
"""
SURROUNDED = ("deployment.of-gateways", "recovery.second", "recovery.third")
ABSENT = '\n[absent]\n"deployment.*" = "There is none, as long as it is internal."\n'
PLANTED_CONFTEST = """
import pytest
raise pytest.UsageError("the target's own conftest.py was read")
"""
PLANTED_PLUGIN = """
from pathlib import Path

Path(__file__).with_name("was-loaded").touch()

def pytest_runtest_makereport(item, call):
    from _pytest.reports import TestReport
    return TestReport(item.nodeid, item.location, {}, "passed", None, call.when)
"""


@dataclass
class Driven:
    """The command in a process of its own, and what it leaves."""

    folder: Path
    ids: tuple[str, ...]
    more: str = ""
    process: subprocess.Popen[str] = field(init=False)

    def start(self, files: Mapping[str, str], *arguments: str, **env: str) -> Driven:
        suites = bench.suites(self.folder, files)
        manifest = self.folder / "catalogue.json"
        manifest.write_text(catalogue.manifest(tuple(map(bench.expected, self.ids))))
        target = written(self.system, READINESS + self.more)
        (self.system / "compose.yaml").touch()
        argv = [sys.executable, "-m", "tests.gate.drive", str(suites), str(manifest), "run", "--target", str(target)]
        self.process = subprocess.Popen(
            [*argv, *arguments],
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self

    @property
    def system(self) -> Path:
        made = self.folder / "system"
        made.mkdir(exist_ok=True)
        return made

    @property
    def run_folder(self) -> Path:
        return (self.system / ".readygate/runs/latest").resolve()

    def lanes_text(self) -> str:
        return "".join(path.read_text() for path in self.run_folder.glob("lanes/*.ndjson"))

    def until_it_hangs(self) -> Driven:
        until(lambda: "test_hangs" in self.lanes_text(), PATIENCE_S, "the lane is in its check")
        return self

    def lanes(self) -> list[int]:
        """The processes of its lanes that still live."""
        mine = str(self.run_folder / "lanes").encode()
        return [pid for pid in _processes() if mine in _environ(pid)]

    def end(self) -> tuple[int, str, Run, Verdict]:
        said = self.process.communicate(timeout=PATIENCE_S)[0]
        run, verdict = results.read(self.run_folder / "results.json")
        return self.process.returncode, said, run, verdict


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Driven]]:
    """The runs of these tests, started side by side."""
    well, hangs = "recovery.well", ("recovery.well", "recovery.hangs")
    hanging = {"recovery/test_it.py": bench.healthy(well) + HANGS}
    untrue = bench.HEAD + bench.HEALTHY.format(id=well, name="x") + "    assert 1 == 2\n"

    def named(name: str, ids: tuple[str, ...], more: str = "") -> Driven:
        return Driven(tmp_path_factory.mktemp(name), ids, more)

    started = {name: named(name, hangs).start(hanging) for name in ("SIGINT", "SIGTERM", "SIGKILL")}
    started["GO"] = surrounded(named("GO", SURROUNDED, ABSENT))
    started["NO-GO"] = named("NO-GO", (well,)).start({"recovery/test_it.py": untrue}, "--json", "--quiet")
    for name, options in (("narrowed", ()), ("part", ("--part",))):
        started[name] = named(name, (well, "security.other")).start(
            {"recovery/test_it.py": bench.healthy(well)}, "--check", well, *options
        )
    try:
        yield started
    finally:
        for each in started.values():
            each.process.kill()
            each.process.communicate()


def surrounded(driven: Driven) -> Driven:
    """A healthy run among variables and files that would narrow it, add to it or speak for it."""
    folder = driven.folder
    (driven.system / "conftest.py").write_text(PLANTED_CONFTEST)
    (driven.system / "pytest.ini").write_text("[pytest]\naddopts = -k nothing --maxfail=1\n")
    (folder / "conftest.py").write_text(PLANTED_CONFTEST)
    metadata = folder / "plugins" / "planted-1.dist-info"
    metadata.mkdir(parents=True)
    (folder / "plugins" / "planted.py").write_text(PLANTED_PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nplanted = planted\n")
    first, *others = SURROUNDED
    files = {
        "deployment/test_a.py": bench.healthy(first).replace(f'"{first}"', f'"{first}", needs=("gateway",)'),
        "recovery/test_b.py": bench.healthy(*others),
        "recovery/test_c.py": "def test_that_is_no_check():\n    assert 1 == 2\n",
    }
    return driven.start(
        files,
        PYTEST_ADDOPTS="-k nothing -x --lf --deselect recovery -p planted -n 4 --reruns 3",
        PYTEST_PLUGINS="planted",
        PYTHONPATH=str(folder / "plugins"),
        PYTHONOPTIMIZE="2",
    )


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_run_that_is_stopped_ends_in_order(driven, name, status):
    driven = driven[name].until_it_hangs()
    assert driven.lanes(), "the lane lives, so its end below means something"
    driven.process.send_signal(signal.Signals[name])
    ended, said, run, verdict = driven.end()
    assert ended == status, said
    assert (run.sealed, verdict.decision) == (False, Decision.INCOMPLETE)
    assert "cut off" in " ".join(blocker.summary for blocker in verdict.blockers)
    outcomes = {check.id: check.outcome for check in run.checks}
    assert outcomes == {"recovery.well": Outcome.PASSED, "recovery.hangs": Outcome.UNVERIFIED}
    assert {blocker.fix.partition(":")[0] for blocker in verdict.blockers} == {"run again"}
    assert f"{name}: taking the stacks down" in said
    assert "INCOMPLETE" in said
    assert not re.search(r"\bGO\b", said)
    assert (driven.run_folder / "report.html").is_file()
    assert driven.lanes() == []


def test_a_run_that_is_killed_leaves_a_valid_file_and_no_process(driven):
    driven = driven["SIGKILL"].until_it_hangs()
    assert driven.lanes()
    until(
        lambda: '"passed"' in (driven.run_folder / "results.json").read_text(), PATIENCE_S, "the first result is kept"
    )
    driven.process.kill()
    ended, _, run, verdict = driven.end()
    assert ended == -signal.SIGKILL
    until(lambda: not driven.lanes(), PATIENCE_S, "the lanes die with their runner", every=0.02)
    assert (run.sealed, verdict.decision) == (False, Decision.INCOMPLETE)
    assert "the run was cut off before its end" in [blocker.summary for blocker in verdict.blockers]
    context = json.loads(next(driven.run_folder.glob("lanes/*.json")).read_text())
    assert not owner.alive(context["owner"]), "so that the next command reaps what it left"


def test_a_healthy_run_is_a_go_whatever_stands_around_it(driven):
    """Also the positive of every other test here: GO can be reached, and a lane of which nothing applies is whole."""
    driven = driven["GO"]
    ended, said, run, verdict = driven.end()
    logs = "".join(path.read_text() for path in driven.run_folder.glob("lanes/*.log"))
    assert (ended, verdict.decision, verdict.blockers) == (0, Decision.GO, ()), said + logs
    outcomes = (Outcome.NOT_APPLICABLE, Outcome.PASSED, Outcome.PASSED)
    assert {check.id: check.outcome for check in run.checks} == dict(zip(SURROUNDED, outcomes, strict=True))
    whole = (True, ())
    assert {e.name: (e.sealed, e.problems) for e in run.lanes} == {"release": whole, "operation": whole}
    assert run.sealed
    assert run.left_out == ()
    assert re.search(r"\bGO\b", said)
    assert not re.search("NO-GO|INCOMPLETE", said)
    assert not (driven.folder / "plugins" / "was-loaded").exists()
    written = json.loads((driven.run_folder / "results.json").read_text())["verdict"]
    assert (written["decision"], written["exit_status"]) == ("GO", 0)


def test_a_narrowed_run_is_incomplete(driven):
    ended, said, run, verdict = driven["narrowed"].end()
    assert (ended, verdict.decision) == (4, Decision.INCOMPLETE), said
    assert [check.outcome for check in run.checks] == [Outcome.PASSED]
    assert [blocker.kind for blocker in verdict.blockers] == ["narrowed"]
    assert run.left_out == ("security.other",)
    assert "INCOMPLETE" in said


def test_a_part_that_passed_ends_with_0_for_whoever_asked_for_a_part_and_is_no_go(driven):
    ended, said, _, verdict = driven["part"].end()
    assert (ended, verdict.decision) == (0, Decision.INCOMPLETE), said
    assert "never a GO" in said


def test_a_failed_check_is_a_no_go(driven):
    driven = driven["NO-GO"]
    ended, said, _, verdict = driven.end()
    assert (ended, verdict.decision) == (1, Decision.NO_GO)
    assert "NO-GO" in said
    assert (driven.run_folder / "results.json").read_text() in said


def test_files_that_cannot_speak_are_missed_and_the_others_still_run(tmp_path):
    well, twice = bench.healthy("recovery.well"), bench.healthy("security.twice")
    files = {
        "recovery/test_well.py": well,
        "recovery/test_less.py": well.replace('recovery.well")', 'recovery.less", required=False)'),
        "recovery/test_broken.py": "import nothing_of_this_name\n" + bench.healthy("recovery.broken"),
        "recovery/test_skipped.py": "import pytest\npytest.skip('not here', allow_module_level=True)\n" + well,
        "security/test_one.py": twice,
        "security/test_two.py": twice,
        "security/test_misplaced.py": bench.healthy("configuration.other"),
    }
    expected = [
        bench.expected("recovery.well", "suites/recovery/test_well.py"),
        bench.expected("recovery.less", "suites/recovery/test_less.py", minimum=5),
        bench.expected("recovery.broken", "suites/recovery/test_broken.py"),
        bench.expected("recovery.skipped", "suites/recovery/test_skipped.py"),
        bench.expected("recovery.deleted", "suites/recovery/test_deleted.py"),
        bench.expected("security.twice", "suites/security/test_one.py"),
        bench.expected("configuration.other", "suites/configuration/test_misplaced.py"),
    ]
    ended = bench.judged(tmp_path, files, expected)
    found = bench.by_id(ended)
    assert ended.verdict.decision is Decision.INCOMPLETE
    assert {each for each, result in found.items() if result.outcome is Outcome.PASSED} == {
        "recovery.well",
        "recovery.less",
        "security.twice",
        "configuration.other",
    }
    for check, sentence in {
        "recovery.broken": "recovery/test_broken.py could not be collected: .*nothing_of_this_name",
        "recovery.skipped": "recovery/test_skipped.py left itself out of the collection: .*not here",
        "recovery.deleted": "the suites hold no such check: restore it",
    }.items():
        assert found[check].outcome is Outcome.UNVERIFIED
        assert re.match(sentence, found[check].reason, re.DOTALL), found[check].reason
    (lane,) = ended.run.lanes
    problems = "\n".join(lane.problems)
    assert "security.twice is claimed by security/test_one.py::test_twice and by security/test_two.py" in problems
    assert "configuration.other lies in suites/security/" in problems
    assert len([b for b in ended.verdict.blockers if b.kind == "lane"]) == len(lane.problems) == 4
    # What counts is the catalogue's word: a suite that asks for less excuses nothing.
    assert (found["recovery.less"].required, found["recovery.less"].minimum) == (True, 5)
    assert "only 1 of at least 5 observations" in [b.summary for b in ended.verdict.blockers]


def test_a_lane_that_crashes_or_leaves_costs_its_own_checks_only(tmp_path):
    body = '\n@a("{id}")\ndef test_it(evidence):\n    evidence.observed(1, "thing")\n    {how}\n'
    crash = body.format(id="recovery.crash", how="os._exit(0)")
    leave = body.format(id="deployment.leave", how="pytest.exit('enough', returncode=0)")
    files = {
        "recovery/test_it.py": bench.healthy("recovery.before")
        + crash
        + bench.HEALTHY.format(id="recovery.z", name="z"),
        "deployment/test_it.py": bench.healthy("deployment.before") + leave,
    }
    wanted = ["recovery.before", "recovery.crash", "recovery.z", "deployment.before", "deployment.leave"]
    ended = bench.judged(tmp_path, files, wanted)
    found = bench.by_id(ended)
    assert ended.verdict.decision is Decision.INCOMPLETE
    assert found["deployment.before"].outcome is found["recovery.before"].outcome is Outcome.PASSED
    for check in ("recovery.crash", "recovery.z"):
        assert found[check].outcome is Outcome.UNVERIFIED
        assert "its lane ended with 0 while it ran recovery/test_it.py::test_it" in found[check].reason
    assert found["deployment.leave"].outcome is Outcome.UNVERIFIED
    assert {lane.name: lane.sealed for lane in ended.run.lanes} == {"release": False, "operation": False}


def test_nothing_expected_is_nothing_seen(tmp_path):
    ended = bench.judged(tmp_path, {}, [])
    assert ended.verdict.decision is Decision.INCOMPLETE
    assert "no required check passed" in ended.verdict.blockers[0].summary


def test_bare_pytest_refuses_and_names_the_command():
    done = shell.run([sys.executable, "-m", "pytest", "suites/"], cwd=ROOT, timeout_s=PATIENCE_S)
    assert done.status == pytest.ExitCode.USAGE_ERROR
    assert re.search(r"[a-z.-]+ is a readiness check: run it with `readygate run --check [a-z.-]+`", done.stderr)
    assert "passed" not in done.stdout


def test_waivers_end_by_the_day_in_utc():
    assert abs(time.time() / 86400 - today().toordinal() + 719163) <= 1
