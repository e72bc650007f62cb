"""The documents of four runs, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.golden import FOLDER, REBASELINE, documents

DOCUMENTS = documents()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_is_as_kept(path: Path) -> None:
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    assert DOCUMENTS[path] == kept, REBASELINE


def test_no_golden_file_is_left_over() -> None:
    assert set(FOLDER.iterdir()) == set(DOCUMENTS), REBASELINE
