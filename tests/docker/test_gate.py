"""Whole runs, as a user starts them: two systems judged by the same suites, cut off at any moment, and nothing left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from fixtures.compose import read_env
from gate import owner, results
from gate.compliance import Standing, compliance
from gate.model import Decision, Outcome
from gate.status import ExitStatus
from tests.advisories import lab_feed

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
MINIMAL = ROOT / "examples" / "minimal"
RUN_S = 2400  # half as long again, and more, as a gate of 162 checks takes on two cores of its own
# Of the moments at which a run is killed: during the start, the checks and the removal of a stack of about 30 s.
KILLED_WITHIN_S = 30
NEED_ADVISORIES = {
    "security.advisory-data",
    "security.dependency-advisories",
    "security.system-package-advisories",
}
KILLS = int(os.environ.get("READYGATE_TEST_KILLS", "3"))


def environment() -> dict[str, str]:
    """The base image that set-up found or built, for the example that knows nothing of our .env."""
    found = read_env((ROOT / ".env").read_text())
    return {**os.environ, "BASE_IMAGE": found["BASE_IMAGE"], "PYTHONPATH": str(ROOT)}


def readygate(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "readygate", *arguments]
    return subprocess.run(
        argv, cwd=folder, env=environment(), capture_output=True, text=True, timeout=RUN_S, check=False
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What a run with --json ended with, and last, where a cut log keeps them, the checks that were not green."""
    lines = [done.stderr[-3000:], f"exit status {done.returncode}"]
    if done.stdout.startswith("{"):
        well = {Outcome.PASSED.value, Outcome.NOT_APPLICABLE.value}
        checks = json.loads(done.stdout)["checks"]
        lines += [f"{c['id']} {c['outcome']}: {c['reason'][:1500]}" for c in checks if c["outcome"] not in well]
    else:
        lines.append(done.stdout[-3000:])
    return "\n".join(lines)


def labelled() -> list[str]:
    """Everything on this engine that carries our label and whose run has ended; other runs may be under way."""
    engine = docker.from_env()
    search = {"all": True, "filters": {"label": owner.OWNER_LABEL}}
    found = {c.name: c.labels for c in engine.containers.list(**search, ignore_removed=True)}
    found |= {n.name: n.attrs["Labels"] for n in engine.networks.list(filters=search["filters"])}
    found |= {v.name: v.attrs["Labels"] for v in engine.volumes.list(filters=search["filters"])}
    return [name for name, labels in found.items() if not owner.alive(labels[owner.OWNER_LABEL])]


@pytest.fixture
def bystander() -> Iterator[str]:
    """A container of somebody else, which nothing here may touch."""
    engine = docker.from_env()
    image = read_env((ROOT / ".env").read_text())["BASE_IMAGE"]
    container = engine.containers.run(image, ["sleep", "900"], detach=True)
    yield container.id
    container.remove(force=True)


@pytest.mark.parametrize("system", [ROOT, MINIMAL], ids=["reference", "minimal"])
def test_a_healthy_system_is_go(system: Path, tmp_path: Path) -> None:
    done = readygate("run", "--json", "--advisories", str(lab_feed.write(tmp_path / "osv")), folder=system)
    assert done.returncode == ExitStatus.GO, told(done)
    folder = (system / ".readygate" / "runs" / "latest").resolve()
    run, verdict = results.read(folder / "results.json")
    assert verdict.decision is Decision.GO
    assert run.sealed
    assert json.loads(done.stdout)["verdict"]["exit_status"] == ExitStatus.GO
    assert {check.outcome for check in run.checks} <= {Outcome.PASSED, Outcome.NOT_APPLICABLE}
    assert sum(check.outcome is Outcome.PASSED for check in run.checks) >= 7
    assert all((folder / name).stat().st_size > 1000 for name in ("report.html", "summary.md", "junit.xml"))
    assert all((folder / "pytest" / f"{lane.name}.html").exists() for lane in run.lanes)
    assert labelled() == []


def test_without_advisories_exactly_what_needs_them_is_unverified() -> None:
    """A service that does not answer is what the public one is to a machine without a network."""
    nobody = "http://127.0.0.1:9/v1/query"
    done = readygate("run", "--json", "--part", "--only", "security", "--advisories", nobody, folder=ROOT)
    assert done.returncode == ExitStatus.INCOMPLETE, told(done)
    run, verdict = results.read((ROOT / ".readygate" / "runs" / "latest").resolve() / "results.json")
    assert verdict.decision is Decision.INCOMPLETE
    unseen = {check.id: check.reason for check in run.checks if check.outcome is Outcome.UNVERIFIED}
    assert unseen.keys() == NEED_ADVISORIES
    assert all("127.0.0.1:9" in reason for reason in unseen.values())
    assert {check.outcome for check in run.checks if check.id not in unseen} <= {Outcome.PASSED, Outcome.NOT_APPLICABLE}
    controls = {row.control.id: row.standing for row in compliance(run, verdict).rows}
    for control in ("C43", "C44", "C48"):
        assert controls[control] is Standing.UNVERIFIED, control
    assert labelled() == []


def test_a_defect_is_no_go_and_names_its_cause(tmp_path: Path) -> None:
    done = readygate("prove", "--check", "security.published-ports", folder=MINIMAL)
    assert done.returncode == ExitStatus.GO, done.stdout + done.stderr
    assert "database-published" in done.stdout
    assert "caught 1/1" in done.stdout
    assert labelled() == []


def test_what_a_killed_run_leaves_is_gone_with_the_next_command(bystander: str) -> None:
    chosen = random.Random(os.environ.get("READYGATE_TEST_SEED", "readygate"))
    for _ in range(KILLS):
        after_s = chosen.uniform(0.5, KILLED_WITHIN_S)
        run = subprocess.Popen(
            [sys.executable, "-m", "readygate", "run", "-q"],
            cwd=MINIMAL,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(after_s)
        run.send_signal(signal.SIGKILL)
        run.wait()
        done = readygate("clean", folder=MINIMAL)
        assert done.returncode == ExitStatus.GO, f"killed after {after_s:.1f} s: {done.stderr}"
        assert labelled() == [], f"killed after {after_s:.1f} s"
        document = MINIMAL / ".readygate" / "runs" / "latest" / "results.json"
        if document.exists():
            cut_off, verdict = results.read(document)
            assert verdict.decision is not Decision.GO or cut_off.sealed
    assert docker.from_env().containers.get(bystander).status == "running"


def test_ctrl_c_takes_the_stack_down_and_still_reports(bystander: str) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "readygate", "run", "-q"],
        cwd=MINIMAL,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(15)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=120)
    assert run.returncode == ExitStatus.INTERRUPTED, out + err
    state, verdict = results.read((MINIMAL / ".readygate" / "runs" / "latest").resolve() / "results.json")
    assert not state.sealed
    assert verdict.decision is Decision.INCOMPLETE
    assert "Traceback" not in out + err
    assert labelled() == []
    assert docker.from_env().containers.get(bystander).status == "running"
