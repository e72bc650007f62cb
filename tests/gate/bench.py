"""The real runner and real lanes on small suites that need no system: only the engine is left out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from gate import lane_process
from gate.model import Check, CheckResult, Sabotage
from gate.progress import Progress
from gate.runner import Ended, Request, run
from gate.target import load
from gate.tools import Tools
from readygate import machine
from tests.gate.toml_files import READINESS, written

# What stands systems up takes half a second to import, in each of some sixty lanes, whose suites need none.
WHOLE = lane_process.PLUGINS
lane_process.PLUGINS = tuple(name for name in WHOLE if name != "fixtures.suite")

HEAD = """\
import os, threading, time
import pytest
from gate.check import Unverified, check
from gate.model import Limit, Sabotage

def a(id, **more):
    meta = dict(title="It holds", why="It hurts.", fix="Mend it.", broken_by=(Sabotage(id="s", title="a defect"),))
    return check(id, **{**meta, **more})

"""
HEALTHY = """
@a("{id}")
def test_{name}(evidence):
    evidence.observed(1, "thing")
"""


def healthy(*ids: str) -> str:
    """A file of checks that pass."""
    return HEAD + "".join(HEALTHY.format(id=each, name=each.split(".")[1].replace("-", "_")) for each in ids)


def expected(check_id: str, source: str = "", minimum: int = 1) -> Check:
    """A check as the catalogue has it."""
    sabotage = Sabotage(id="s", title="a defect", expects=(check_id,))
    return Check(check_id, "It holds", "It hurts.", "Mend it.", (), (), minimum, (sabotage,), source=source)


def suites(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder of suites; a name without a folder is an area's only file."""
    made = folder / "suites"
    for name, text in {"__init__.py": "", **files}.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent != made:
            (path.parent / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")
    return made


def tools() -> Tools:
    """The real tools without an engine: nothing to prepare and nothing to remove."""
    return replace(
        machine.tools(),
        reap=list,
        sweep=lambda _run: [],
        kept=list,
        ghosts=list,
        prepare=lambda _target, _prefix: None,
        forget=lambda _prefix: None,
        host=lambda: {"cores": 2},
    )


def judged(
    folder: Path,
    files: Mapping[str, str],
    wanted: Iterable[str | Check],
    *,
    more: str = "",
    plugins: tuple[str, ...] = lane_process.PLUGINS,
) -> Ended:
    """A run of these suites on a small target in `folder`; WHOLE are the plugins of a run that anybody starts."""
    (folder / "system").mkdir(exist_ok=True)
    target = load(written(folder / "system", READINESS + more), "quick")
    checks = tuple(expected(each) if isinstance(each, str) else each for each in wanted)
    asked = Request(target, "quick", checks, folder / "runs", suites=suites(folder, files))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane_process, "PLUGINS", plugins)
        return run(asked, tools(), Progress(Console(file=io.StringIO()), quiet=True))


def by_id(ended: Ended) -> dict[str, CheckResult]:
    return {result.id: result for result in ended.run.checks}


def log(ended: Ended) -> str:
    """Everything that pytest said in the lanes, to explain a test that failed."""
    return "\n".join(path.read_text() for path in sorted((ended.folder / "lanes").glob("*.log")))


def every_file(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
