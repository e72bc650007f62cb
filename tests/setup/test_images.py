"""A broken Dockerfile is the author's fault, a lost network is not; and unchanged inputs build nothing."""

from pathlib import Path

import pytest

from procedures import images
from procedures.shell import Completed

STEP = """#6 [gateway 1/3] FROM base
#7 [gateway 2/3] RUN make-it
#7 0.301 make-it: no rule
#8 [database 2/3] RUN other
#8 0.300 busy
#7 ERROR: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3
failed to solve: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3
"""


def failed(text: str) -> Completed:
    return Completed(("docker", "compose", "build"), 1, "", text, 1.0)


def test_a_failing_step_is_status_1_and_names_the_step() -> None:
    error = images.explain(failed(STEP), "the platform")
    assert error.status == 1
    assert error.sentence.startswith(
        "Building the platform failed in [gateway 2/3] RUN make-it\n    0.301 make-it: no rule"
    )
    assert "busy" not in error.sentence
    assert "make setup" in error.mend


def test_an_output_without_steps_is_shown_as_it_is() -> None:
    error = images.explain(failed("there is no release 9.9.9\n"), "release 9.9.9")
    assert error.status == 1
    assert "there is no release 9.9.9" in error.sentence


@pytest.mark.parametrize("line", ["write /x: no space left on device", "runc: unable to apply cgroup configuration"])
def test_a_machine_that_is_full_or_unfit_is_status_3(line: str) -> None:
    error = images.explain(failed(STEP + line), "the platform")
    assert error.status == 3
    assert line in error.sentence


@pytest.mark.parametrize(
    "line",
    [
        "Err:1 http://mirror.example.com/debian trixie InRelease Temporary failure resolving 'mirror.example.com'",
        "E: Failed to fetch http://mirror.example.com  Could not connect to mirror.example.com:80 (192.0.2.1)",
        'failed to do request: Head "https://registry.example.com/v2/": dial tcp: lookup registry.example.com: no such host',
        "WARNING: Retrying after connection broken by 'ReadTimeoutError(\"Read timed out.\")'",
    ],
)
def test_a_lost_network_is_status_3_and_shows_the_line(line: str) -> None:
    error = images.explain(failed(line + "\n" + STEP), "the platform")
    assert error.status == 3
    assert line in error.sentence


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(images, "_ids", lambda names: {name: "sha256:1" for name in names if name})
    (tmp_path / "reference/gateway").mkdir(parents=True)
    (tmp_path / "reference/gateway/Dockerfile").write_text("FROM base\n")
    (tmp_path / "docker-compose.prod.yml").write_text("services: {}\n")
    (tmp_path / ".env").write_text("BASE_IMAGE=a\nACTIVE_COLOUR=blue\n")
    return tmp_path


def test_what_goes_into_an_image_changes_the_fingerprint(tree: Path) -> None:
    seen = {images.fingerprint(tree)}
    (tree / "reference/gateway/Dockerfile").write_text("FROM base\nRUN true\n")
    seen.add(images.fingerprint(tree))
    (tree / "reference/gateway/Dockerfile").chmod(0o755)
    seen.add(images.fingerprint(tree))
    (tree / "reference/gateway/haproxy.cfg").write_text("")
    seen.add(images.fingerprint(tree))
    (tree / ".env").write_text("BASE_IMAGE=b\n")
    seen.add(images.fingerprint(tree))
    assert len(seen) == 5


def test_names_are_as_compose_takes_them_the_environment_first(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = images.fingerprint(tree)
    monkeypatch.setenv("DOCJOBS_REGISTRY", "apart/")
    assert images.fingerprint(tree) != before
    assert images._prefix(tree) == "apart/"


def test_what_does_not_go_in_leaves_it(tree: Path) -> None:
    before = images.fingerprint(tree)
    (tree / ".env").write_text("BASE_IMAGE=a\nACTIVE_COLOUR=green\n")  # a deployment
    (tree / "reference/__pycache__").mkdir()
    (tree / "reference/__pycache__/x.pyc").write_text("x")
    assert images.fingerprint(tree) == before


@pytest.mark.parametrize("record", ["", "{", '{"inputs": "x"}', '{"inputs": "other", "images": {"a": "1"}}'])
def test_a_record_that_does_not_fit_means_building(tree: Path, record: str) -> None:
    (tree / ".readygate").mkdir()
    (tree / ".readygate/images.json").write_text(record)
    assert images._recorded(tree, "x") == {}
