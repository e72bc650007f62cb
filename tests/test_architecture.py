"""The rules of the house, read from the source: what may import what, where processes start, where anything waits."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from gate import catalogue, shell
from gate.target import load

pytestmark = pytest.mark.slow  # `make check` runs it

ROOT = Path(__file__).parents[1]
SYSTEMS = ("readiness.toml", "examples/minimal/readiness.toml")
ALLOWED = {
    "gate": set(),
    "fixtures": {"gate"},
    "suites": {"gate", "fixtures"},
    "reports": {"gate"},
    "readygate": {"gate", "fixtures", "reports"},  # readygate/machine.py, the composition root, and the command
    "benchmarks": {"gate", "fixtures"},
    "loadtests": set(),
    "procedures": set(),
    "reference": set(),
}
ROOTS_OF_COMPOSITION = {"readygate/machine.py", "readygate/command.py", "readygate/release.py", "readygate/__main__.py"}
# Types and exceptions of subprocess may be named anywhere on the gate's side; starting is for the two shells alone.
STARTING = {"run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput"}
OF_OS = re.compile(r"system|popen|fork|forkpty|posix_spawnp?|spawn\w+|exec\w+|startfile")
MAY_START = {"gate/shell.py", "procedures/shell.py"}
# Waiting functions with a name, and the poll of the runner, which waits for processes and not for the system.
MAY_SLEEP = {
    "fixtures/wait.py": {"until", "throughout", "pause_until"},
    "gate/runner.py": {"_looks"},
    "procedures/waiting.py": {"pause"},
    "procedures/engine.py": {"_pause"},
}
EVERYWHERE = {"/healthz", "/readyz", "/version", "/metrics"}  # paths that no system owns, but no suite may name either
CHECKOUT = re.compile(rf"{re.escape(str(ROOT))}(?![\w-])|/home/[a-z]+/|/Users/[A-Za-z]+/")
# The address of a package index or a mirror, whoever's it is: an option that names one, or a URL as they all have.
REGISTRY = re.compile(
    r"--(?:extra-)?index-url[ =]+\S*://|https?://(?!(?:[\w-]+\.)*example\b)[\w.-]+/(?:simple|debian|ubuntu)(?![\w.-])"
)


@cache
def parsed(text: str) -> ast.Module:
    """The syntax tree of a file, which several rules look at."""
    return ast.parse(text)


def sources(*folders: str) -> dict[str, str]:
    """Path below the root -> text of every Python file of these folders."""
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return {str(path.relative_to(ROOT)): path.read_text() for path in found}


def imports(text: str) -> Iterator[str]:
    """First names of all imported modules, wherever in the file they are imported, `__import__` included."""
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Call) and _name(node.func) in {"__import__", "importlib.import_module"}:
            yield from (str(a.value).partition(".")[0] for a in node.args[:1] if isinstance(a, ast.Constant))


def forbidden_imports(files: dict[str, str]) -> list[str]:
    """Every arrow between our folders that is not allowed."""
    wrong = []
    for path, text in files.items():
        folder = path.partition("/")[0]
        ours = {name for name in imports(text) if name in {*ALLOWED, "tests"}} - {folder}
        wrong += [f"{path} imports {name}" for name in sorted(ours - ALLOWED[folder])]
    return wrong


def started(files: dict[str, str]) -> list[str]:
    """Every place that starts a process, by whatever name."""
    wrong = []
    for path, text in files.items():
        tree = parsed(text)
        aliases = _aliases(tree)
        for node in ast.walk(tree):
            full = _full_name(node.func, aliases) if isinstance(node, ast.Call) else ""
            module, _, what = full.rpartition(".")
            if (
                (module == "subprocess" and what in STARTING)
                or (module == "os" and OF_OS.fullmatch(what))
                or (module, what) in {("pty", "spawn"), ("multiprocessing", "Process")}
                or (module == "asyncio" and what.startswith("create_subprocess"))
            ):
                wrong.append(f"{path}:{node.lineno} {full}")
            if isinstance(node, ast.keyword) and node.arg == "shell" and not isinstance(node.value, ast.Name):
                wrong.append(f"{path}:{node.value.lineno} shell=")
    return sorted(set(wrong))


def sleeps(files: dict[str, str]) -> Iterator[tuple[str, str]]:
    """File and function of every time.sleep."""
    for path, text in files.items():
        tree = parsed(text)
        aliases = _aliases(tree)
        for function, node in _in_functions(tree):
            if isinstance(node, ast.Call) and _full_name(node.func, aliases) == "time.sleep":
                yield path, function


def named_things(files: dict[str, str], words: Iterable[str]) -> list[str]:
    """Constants that are, or as a path hold, one of these words; docstrings are for people."""
    pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(word)}(?![\w-])" for word in words))
    return [
        f"{path}:{node.lineno} {found[0]!r} in {str(node.value)[:60]!r}"
        for path, text in files.items()
        for node in _texts(parsed(text))
        if (found := pattern.search(str(node.value)))
    ]


def _texts(tree: ast.Module) -> Iterator[ast.Constant]:
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int) and id(node) not in prose:
            yield node


def _in_functions(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        inner = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield inner, node
        yield from _in_functions(node, inner)


def _aliases(tree: ast.AST) -> dict[str, str]:
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.asname or alias.name): alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(alias.asname or alias.name): f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _name(node: ast.AST) -> str:
    """`a.b.c` of a name or an attribute that is loaded; nothing for everything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := _name(node.value)):
        return f"{left}.{node.attr}"
    return ""


def _full_name(node: ast.AST, aliases: dict[str, str]) -> str:
    """The same with what the file imported under another name put back."""
    first, dot, rest = _name(node).partition(".")
    return f"{aliases.get(first, first)}{dot}{rest}"


def test_the_arrows_between_our_folders():
    assert forbidden_imports(sources(*ALLOWED)) == []


def test_only_the_composition_root_knows_all_sides():
    files = {path: set(imports(text)) & ALLOWED.keys() for path, text in sources("readygate").items()}
    assert {path for path, found in files.items() if found - {"readygate"}} <= ROOTS_OF_COMPOSITION
    assert files["readygate/machine.py"] >= {"gate", "fixtures", "reports"}


@pytest.mark.parametrize("folder", ["loadtests", "procedures"])
def test_what_must_stand_alone(folder):
    third = {"loadtests": {"locust", "gevent", "hdrh"}, "procedures": {"cryptography", "duckdb", "pydantic"}}[folder]
    own = {"loadtests", "procedures", "__future__"}
    used = {name for text in sources(folder).values() for name in imports(text)}
    assert used - set(sys.stdlib_module_names) - own - third == set()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("suites/load/test_x.py", "from reports import html"),
        ("fixtures/x.py", "def f():\n    import suites.load"),
        ("gate/x.py", "from fixtures.wait import until"),
        ("gate/x.py", "import importlib\nimportlib.import_module('fixtures.stack')"),
        ("procedures/x.py", "import gate.shell as s"),
        ("reference/app/x.py", "from procedures import shell"),
        ("suites/load/test_x.py", "import tests.gate.bench"),
    ],
)
def test_a_planted_arrow_is_found(path, text):
    assert len(forbidden_imports({path: text})) == 1


def test_processes_start_in_two_places_only():
    """reference/ may, where its containers must: none of its Python does so now."""
    found = started(sources(*ALLOWED))
    assert [place for place in found if place.partition(":")[0] not in MAY_START] == []
    assert {place.partition(":")[0] for place in found} == MAY_START


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess\nsubprocess.run(['x'])",
        "import subprocess as s\ns.Popen(['x'])",
        "from subprocess import check_output as c\nc(['x'])",
        "import os\nos.system('x')",
        "import os\nos.execvp('x', ['x'])",
        "from os import popen\npopen('x')",
        "import asyncio\nasyncio.create_subprocess_exec('x')",
        "run('x', shell=True)",
    ],
)
def test_a_planted_process_is_found(text):
    assert started({"fixtures/x.py": text})


def test_waiting_has_its_places():
    found: dict[str, set[str]] = {}
    for path, function in sleeps(sources(*(folder for folder in ALLOWED if folder != "reference"))):
        found.setdefault(path, set()).add(function)
    assert found == {path: functions for path, functions in MAY_SLEEP.items() if path in found}
    assert {"fixtures/wait.py", "gate/runner.py", "procedures/waiting.py"} <= found.keys()


@pytest.mark.parametrize(
    "text", ["import time\ntime.sleep(1)", "from time import sleep\nsleep(1)", "import time as t\nt.sleep(1)"]
)
def test_a_planted_sleep_is_found(text):
    assert list(sleeps({"suites/x.py": text}))


def test_suites_and_fixtures_name_nothing_of_a_system():
    files = sources("suites", "fixtures")
    assert named_things(files, sorted(words_of_the_systems())) == []


def words_of_the_systems() -> set[str]:
    """Services, images, paths and ports of every system of this repository, except where a service is named like a role."""
    words: set[str] = set()
    for file in SYSTEMS:
        target = load(ROOT / file)
        for compose in target.stack.compose:
            model = yaml.safe_load((target.folder / compose).read_text())
            words |= {*model["services"], model.get("name", target.name)}
            for body in model["services"].values():
                words |= {str(body.get("image", "")).partition(":")[0].rpartition("/")[2].rpartition("}")[2]}
                words |= (
                    set(body.get("secrets", [])) if all(isinstance(s, str) for s in body.get("secrets", [])) else set()
                )
        words |= {target.api.live, target.api.ready, target.api.version or "/version", target.job.submit_path}
        words |= {str(target.api.port), target.name, *target.releases.values(), *EVERYWHERE}
    return {word for word in words if word} - set(load(ROOT / SYSTEMS[0]).roles) - {"migrate"}


def test_the_words_are_those_of_the_compose_file_and_a_planted_one_is_found():
    words = words_of_the_systems()
    assert {"api-blue", "worker-green", "prometheus", "docjobs", "/v1/jobs", "8443", "1.1.0"} <= words
    for planted in ('y = "api-blue"', 'z = f"{a}/v1/jobs/{b}"', 'p = "127.0.0.1:8443"', "p = 8443"):
        assert named_things({"suites/x.py": planted}, words), planted
    assert not named_things({"suites/x.py": '"""About api-blue."""'}, words)


def test_no_check_excuses_itself():
    excuses = re.compile(r"pytest\.(?:skip|xfail|importorskip|mark\.(?:skip|skipif|xfail))|unittest\.skip|addopts")
    found = {path: excuses.findall(text) for path, text in sources("suites").items() if excuses.search(text)}
    assert found == {}


def test_suites_have_no_fixtures_that_run_by_themselves():
    assert [path for path, text in sources("suites").items() if "autouse" in text] == []


def test_every_check_has_a_sabotage_that_expects_it():
    for check in catalogue.checks():
        assert any(check.id in sabotage.expects for sabotage in check.broken_by), check.id
    assert len(catalogue.checks()) >= 13


def test_the_catalogue_is_current():
    code = (
        "from gate import catalogue as c, prove; found = c.collect(); prove.of_checks(found);"
        "stale = [str(p) for p, t in ((c.MANIFEST, c.manifest(found)), (c.DOCUMENT, c.document(found)))"
        " if p.read_text() != t];"
        "raise SystemExit('stale: ' + ', '.join(stale) + '; run `make docs`' if stale else 0)"
    )
    # Options from outside must not narrow what `make docs` writes.
    env = {"PYTEST_ADDOPTS": "--deselect suites/load -k nothing --ignore suites/recovery"}
    done = shell.run([sys.executable, "-c", code], cwd=ROOT, env=env, timeout_s=120)
    assert done.status == 0, done.stderr


def test_conftest_wires_and_nothing_else():
    text = (ROOT / "conftest.py").read_text()
    assert len(text.splitlines()) <= 30
    assert not [node for node in ast.walk(parsed(text)) if isinstance(node, ast.FunctionDef | ast.If)]


def test_tracked_files_name_no_checkout_and_no_registry():
    me = str(Path(__file__).relative_to(ROOT))
    wrong = [
        f"{path}: {found[0]}"
        for path, text in _tracked()
        if path != me and (found := CHECKOUT.search(text) or REGISTRY.search(text))
    ]
    assert wrong == []
    for planted in (
        f"cd {ROOT}",
        "--index-url https://" + "index.test/",
        "https://" + "index.test/simple",
        "deb http://" + "mirror.test/debian trixie main",
    ):
        assert CHECKOUT.search(planted) or REGISTRY.search(planted)


def _tracked() -> Iterator[tuple[str, str]]:
    names = shell.run(["git", "ls-files", "-z"], cwd=ROOT).check("listing the tracked files").stdout.split("\0")
    for name in names:
        path = ROOT / name
        if name and path.is_file() and not path.is_symlink():
            yield name, path.read_text(errors="replace")
