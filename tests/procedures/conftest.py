"""An environment file of its own for every test, and no waiting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.procedures.recording import ENVIRONMENT, Recorded


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    file = tmp_path / "production.env"
    file.write_text(ENVIRONMENT, encoding="utf-8")
    for name in ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COMPOSE_ENV_FILES", str(file))
    monkeypatch.setenv("DOCJOBS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DEPLOY_BAKE_S", "0")
    monkeypatch.setenv("DEPLOY_READY_TIMEOUT_S", "0.05")
    monkeypatch.setenv("DEPLOY_DRAIN_TIMEOUT_S", "0.05")
    monkeypatch.setenv("DEPLOY_POLL_S", "0.01")
    return Recorded(file)
