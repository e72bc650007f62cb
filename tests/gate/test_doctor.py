"""`readygate doctor` tells what is missing, never more than it knows, and within its time."""

import datetime
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from gate import advisories, doctor
from gate.doctor import Finding

ROOT = Path(__file__).parents[2]


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.fixture
def unreachable_advisories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisories, "PUBLIC", "http://127.0.0.1:9/v1/query")


@contextmanager
def service(status: int, body: str) -> Iterator[str]:
    """An HTTP service on a free port that answers every POST alike."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def naming(folder: Path, source: str) -> Path:
    """A readiness.toml that says where advisories come from."""
    (folder / "readiness.toml").write_text(f'[advisories]\nsource = "{source}"\n')
    return folder / "readiness.toml"


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


@pytest.mark.usefixtures("no_engine", "unreachable_advisories")
def test_without_an_engine_no_run_can_start_and_the_rest_is_told_all_the_same(tmp_path: Path) -> None:
    findings = doctor.diagnose(tmp_path / "readiness.toml")
    assert [finding.name for finding in findings] == [
        "python", "engine", "compose", "memory", "disk", "port", "clock", "images", "registry", "advisories",
    ]  # fmt: skip
    assert by_name(findings)["engine"].state == "missing"
    assert by_name(findings)["engine"].mend
    assert not doctor.could_run(findings)


@pytest.mark.usefixtures("no_engine", "unreachable_advisories")
def test_every_finding_that_is_not_ok_says_how_to_mend_it(tmp_path: Path) -> None:
    assert all(finding.mend for finding in doctor.diagnose(tmp_path / "none.toml") if finding.state != "ok")


@pytest.mark.slow
def test_an_engine_and_a_service_that_hang_do_not_hold_it_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent() as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        monkeypatch.setattr(advisories, "PUBLIC", f"http://127.0.0.1:{port}/")
        began = time.monotonic()
        findings = doctor.diagnose(tmp_path / "none.toml")
        assert time.monotonic() - began < 5
    assert by_name(findings)["engine"].state == "missing"
    assert by_name(findings)["advisories"].state == "warning"


@pytest.mark.parametrize(
    ("status", "body", "state", "words"),
    [
        (200, json.dumps({"vulns": [{"id": "X"}]}), "ok", "answers"),
        (200, "{}", "warning", "does not know a package"),
        (404, "", "warning", "answers 404"),
        (200, "<html>", "warning", "does not answer"),
    ],
)
def test_an_advisory_service_must_know_a_known_vulnerability(
    tmp_path: Path, status: int, body: str, state: str, words: str
) -> None:
    with service(status, body) as url:
        finding = doctor._advisories(naming(tmp_path, url))
    assert finding.state == state
    assert words in finding.detail


@pytest.mark.usefixtures("unreachable_advisories")
def test_where_a_run_would_find_no_advisories_it_names_what_a_run_takes(tmp_path: Path) -> None:
    finding = doctor._advisories(tmp_path / "none.toml")
    assert finding.state == "warning"
    assert "http://127.0.0.1:9/v1/query does not answer" in finding.detail
    for words in ("--advisories PATH|URL", "[advisories] source", "docs/how-to/offline.md"):
        assert words in finding.mend
    assert (ROOT / "docs/how-to/offline.md").is_file()


@pytest.mark.usefixtures("unreachable_advisories")
def test_advisories_on_this_disk_are_looked_for_from_the_target_s_folder(tmp_path: Path) -> None:
    target = naming(tmp_path, "osv")
    assert doctor._advisories(target).detail == "there are no advisories at osv"
    (tmp_path / "osv").mkdir()
    assert doctor._advisories(target) == Finding("advisories", "ok", "osv is there")


@pytest.mark.parametrize("text", ["", "[advisories", "advisories = 3", "[advisories]\nsource = 3\n"])
def test_a_target_that_names_none_asks_the_public_service(tmp_path: Path, text: str) -> None:
    (tmp_path / "readiness.toml").write_text(text)
    assert advisories.source_of(tmp_path / "readiness.toml") == advisories.PUBLIC


@pytest.mark.parametrize(
    ("offset_s", "state"), [(0.0, "ok"), (5.0, "warning"), (-5.0, "warning"), (120.0, "missing"), (-120.0, "missing")]
)
def test_the_engine_s_clock(monkeypatch: pytest.MonkeyPatch, offset_s: float, state: str) -> None:
    monkeypatch.setattr(doctor, "_engine_time", lambda: time.time() + offset_s)
    assert doctor._clock({"SystemTime": "x"}).state == state


def test_a_clock_before_this_program_was_written_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    class Past(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Past":
            return cls(1970, 1, 1, tzinfo=tz)

    monkeypatch.setattr(doctor.datetime, "datetime", Past)
    assert doctor._clock({}).state == "missing"


def test_memory_and_disk_have_a_floor() -> None:
    assert [doctor._enough(value, 10, 20) for value in (9, 10, 19, 20)] == ["missing", "warning", "warning", "ok"]


def test_a_taken_port_is_a_warning_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent() as port:
        monkeypatch.setattr(doctor, "_published", lambda _target: [("127.0.0.1", port)])
        finding = doctor._port(Path("readiness.toml"))
    assert finding.state == "warning"
    assert f"127.0.0.1:{port} is in use" in finding.detail
    monkeypatch.setattr(doctor, "_published", lambda _target: [("127.0.0.1", port)])
    assert doctor._port(Path("readiness.toml")).state == "ok"


def test_where_the_target_is_in_a_folder_above_nobody_is_told_to_begin_one(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert doctor._port(tmp_path / "docs/readiness.toml").mend == "readygate init"
    (tmp_path / "readiness.toml").write_text("")
    assert doctor._port(tmp_path / "docs/readiness.toml").mend.startswith(f"cd {tmp_path} (or --target ")


@pytest.mark.parametrize("text", ["", "[stack", "stack = 3", "[stack]\ncompose = 3\n"])
def test_a_broken_target_does_not_break_the_doctor(tmp_path: Path, text: str) -> None:
    target = tmp_path / "readiness.toml"
    target.write_text(text)
    assert doctor._services(target) == {}


def test_the_page_reads_without_colour_and_shows_brackets_as_they_are() -> None:
    console = Console(width=100, color_system=None, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(doctor.render([Finding("engine", "missing", "[bold]hostile[/bold]", "make setup")]))
    said = captured.get()
    assert "✕ missing" in said
    assert "[bold]hostile[/bold]" in said
    assert "to mend it: make setup" in said
    assert "A run cannot start: engine." in said
