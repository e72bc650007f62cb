"""Whole runs and real stacks begin on an engine from which what earlier runs left is gone."""

from __future__ import annotations

import pytest

from gate.status import ExitStatus
from tests.docker.test_gate import MINIMAL, readygate


@pytest.fixture(scope="session", autouse=True)
def _nothing_left_by_earlier_runs() -> None:
    """A machine that was cut off in a run leaves containers, and these tests demand that theirs leave none."""
    done = readygate("clean", folder=MINIMAL)
    assert done.returncode == ExitStatus.GO, done.stderr
