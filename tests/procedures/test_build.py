"""A release is built with its parent, its commit and the environment file's base; what cannot be built is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from procedures import build
from procedures.shell import Completed


class Ran:
    """Answers git, and records the build."""

    def __init__(
        self, *, commit: str = "c0ffee 2026-01-02T03:04:05+00:00", modified: str = "", status: int = 0
    ) -> None:
        self.commit, self.modified, self.status = commit, modified, status
        self.env: dict[str, str] = {}

    def __call__(self, argv: tuple[str, ...], *, timeout_s: float, env: dict[str, str] | None = None) -> Completed:
        if argv[:2] == ("git", "log"):
            return Completed(argv, 0 if self.commit else 128, self.commit + "\n", "", 0.0)
        if argv[:2] == ("git", "status"):
            return Completed(argv, 0, self.modified, "", 0.0)
        assert argv == build.build()
        self.env = env or {}
        return Completed(argv, self.status, "", "no space left on device", 0.0)


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BASE_IMAGE", raising=False)
    monkeypatch.delenv("DOCJOBS_REGISTRY", raising=False)
    monkeypatch.setenv("COMPOSE_ENV_FILES", "e")
    Path("e").write_text("BASE_IMAGE=base:1\nDOCJOBS_REGISTRY=r/\nDOCJOBS_CA_BUNDLE=/ca\n", encoding="utf-8")
    folder = tmp_path / build.RELEASES
    for name, more in {"1.0.0": "", "1.1.0": "", "1.1.1-bad": 'parent = "1.1.0"', "2": 'parent = "9"'}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "release.toml").write_text(f'version = "{name}"\n{more}\n', encoding="utf-8")
    return folder


def test_a_thin_release_is_built_over_its_parent(releases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Ran()
    assert build.main(["1.1.1-bad"], run) == 0
    assert run.env == {
        "RELEASE": "1.1.1-bad",
        "PARENT": "1.1.0",
        "REVISION": "c0ffee",
        "CREATED": "2026-01-02T03:04:05+00:00",
        "BASE_IMAGE": "base:1",
        "DOCJOBS_REGISTRY": "r/",
        "CA_BUNDLE": "/ca",
    }
    assert "r/docjobs-worker:1.1.1-bad" in capsys.readouterr().out


def test_the_operators_own_registry_wins(releases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCJOBS_REGISTRY", "mine/")
    run = Ran()
    build.main(["1.0.0"], run)
    assert run.env["DOCJOBS_REGISTRY"] == "mine/"


@pytest.mark.parametrize(
    ("commit", "modified", "revision"),
    [("c0ffee 2026-01-02T03:04:05+00:00", " M x", "c0ffee-modified"), ("", "", "unknown")],
)
def test_a_revision_does_not_claim_more_than_git_knows(
    commit: str, modified: str, revision: str, releases: Path
) -> None:
    run = Ran(commit=commit, modified=modified)
    build.main(["1.0.0"], run)
    assert run.env["REVISION"] == revision


@pytest.mark.parametrize(
    ("name", "said"), [("3.0.0", "there are: 1.0.0"), ("../x", "no name of a release"), ("2", "names the parent 9")]
)
def test_what_cannot_be_built_is_refused(
    name: str, said: str, releases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build.main([name], Ran()) == 2
    assert said in capsys.readouterr().err


def test_a_description_that_is_wrong_is_refused(releases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content, said in {"version = ": "is no TOML", 'version = "7"': "says it is version '7'"}.items():
        (releases / "1.0.0" / "release.toml").write_text(content, encoding="utf-8")
        assert build.main(["1.0.0"], Ran()) == 2
        assert said in capsys.readouterr().err


def test_a_build_that_fails_ends_with_its_last_words(releases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["1.0.0"], Ran(status=17)) == 1
    assert "no space left on device" in capsys.readouterr().err
