"""Releases are overlays: each must still fit the application it is laid over."""

from __future__ import annotations

import ast
import asyncio
import runpy
import time
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docjobs import migration_files

ROOT = Path(__file__).resolve().parents[2]
RELEASES = ROOT / "reference/releases"
APP = ROOT / "reference/app"
NAMES = sorted(path.parent.name for path in RELEASES.glob("*/release.toml"))
FILES = sorted(path.relative_to(RELEASES) for path in RELEASES.rglob("*.py"))


def described(release: str) -> dict[str, str]:
    return tomllib.loads((RELEASES / release / "release.toml").read_text(encoding="utf-8"))


def public(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return {name for name in found if not name.startswith("_")}


def test_the_two_good_and_the_eight_bad_are_there() -> None:
    bad = [f"1.1.{number}" for number in range(1, 9)]
    assert [name.partition("-")[0] for name in NAMES] == ["1.0.0", "1.1.0", *bad]


@pytest.mark.parametrize("release", NAMES)
def test_a_release_names_itself_its_parent_and_what_must_become_of_it(release: str) -> None:
    about = described(release)
    assert about["version"] == release
    assert about["title"]
    assert about["expected"]
    assert (RELEASES / about.get("parent", release)).is_dir()


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_laid_over_another_keeps_every_name_that_others_use(file: Path) -> None:
    release = file.parts[0]
    inside = Path(*file.parts[2:])
    parent = described(release).get("parent", "1.0.0")
    below = [RELEASES / parent / "overlay" / inside, APP / inside]
    base = next((path for path in below if path.is_file()), None)
    if base is not None:
        assert public(base) - {"main"} <= public(RELEASES / file)


@pytest.mark.parametrize("release", [name for name in NAMES if "-" in name])
def test_a_bad_release_is_bad_in_one_file(release: str) -> None:
    of_two_migrations = release == "1.1.6-failing-late-migration"
    files = [path for path in (RELEASES / release / "overlay").rglob("*") if path.is_file()]
    assert len(files) == (2 if of_two_migrations else 1)


def statements(release: str) -> list[int]:
    """How many statements each migration of its own has."""
    folder = RELEASES / release / "overlay/docjobs/migrations"
    return [len(list(each.statements())) for each in migration_files.read(folder)]


def test_migrations_fail_at_the_first_statement_and_at_a_later_one_of_the_second_file() -> None:
    assert statements("1.1.3-failing-migration") == [1]
    assert statements("1.1.6-failing-late-migration") == [1, 2]


def asked(release: str, middleware: str, requests: list[tuple[str, str]], **more: Any) -> list[tuple[float, Any]]:
    """What the middleware of a release does to an application that answers at once: seconds and what was raised."""
    module = runpy.run_path(str(RELEASES / release / "overlay/docjobs/api/__main__.py"), run_name="of_the_test")

    async def sound(_scope: object, _receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def send(_message: dict[str, Any]) -> None: ...

    async def all_of_them() -> list[tuple[float, Any]]:
        app, outcomes = module[middleware](sound, **more), []
        for method, path in requests:
            began, raised = time.monotonic(), None
            try:
                await app({"type": "http", "method": method, "path": path}, None, send)
            except KeyError as error:
                raised = error
            outcomes.append((time.monotonic() - began, raised))
        return outcomes

    return asyncio.run(all_of_them())


ROUTES = [SimpleNamespace(matches=lambda scope: (SimpleNamespace(name="FULL"), {"route": scope["path"]}))]


def test_the_erroring_release_fails_every_request_under_v1_and_no_other() -> None:
    requests = [("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("GET", "/v1/jobs/1"), ("GET", "/readyz")]
    outcomes = asked("1.1.4-erroring", "Erroring", requests, routes=ROUTES)
    assert [raised is not None for _, raised in outcomes] == [True, True, True, False]


def test_the_rarely_erroring_release_fails_five_percent_and_never_the_list() -> None:
    about_a_job = [
        ("POST", "/v1/jobs"),
        ("GET", "/v1/jobs/1"),
        ("GET", "/v1/jobs/1/result"),
        ("POST", "/v1/jobs/1/cancel"),
    ]
    requests = [pair for each in about_a_job * 25 for pair in (each, ("GET", "/v1/jobs"), ("GET", "/readyz"))]
    outcomes = asked("1.1.7-erroring-rarely", "Erroring", requests, routes=ROUTES)
    failed = [request for request, (_, raised) in zip(requests, outcomes, strict=True) if raised]
    assert len(failed) == 5
    assert set(failed) <= set(about_a_job)


def test_the_slow_release_takes_ten_times_as_long_and_is_quickly_ready() -> None:
    slow, quick = asked("1.1.5-slow", "Slow", [("GET", "/v1/jobs"), ("GET", "/readyz")])
    assert slow[0] >= 0.045
    assert quick[0] < 0.045
