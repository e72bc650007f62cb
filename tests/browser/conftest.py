"""The pages that are looked at, and the browser that looks; without a Chromium on PATH these tests are skipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.history import History
from reports import html, overview
from tests.browser.chromium import Tab, tab
from tests.reports import hostile as texts
from tests.reports.factory import go, hostile, incomplete, judge, many, no_go, part

AXE = Path(os.environ.get("AXE", "node_modules/axe-core/axe.min.js"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of every kind, by name."""
    folder = tmp_path_factory.mktemp("pages")
    runs = {
        "go": go(),
        "no-go": no_go(),
        "incomplete": incomplete(),
        "part": part("security"),
        "hostile": hostile(texts.MARKUP),
        "long": many(700),
        "large": many(10_000),
    }
    texts_of = {name: html.render(*judge(run)) for name, run in runs.items()}
    history = History(folder)
    for day in (1, 2, 3):
        history.add(*judge(replace(go(), id=f"r{day}", started=f"2026-11-0{day}T12:00:00Z")))
    texts_of["overview"] = overview.render(history, folder)
    for name, text in texts_of.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts_of}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with tab(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def axe() -> str:
    """The rules of axe-core, which are not ours to carry."""
    if not AXE.is_file():
        pytest.skip("no axe-core: npm install axe-core, or set AXE to its axe.min.js")
    return AXE.read_text(encoding="utf-8")
