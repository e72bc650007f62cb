"""The benchmark of load without an engine: it refuses what it cannot do, and reads what generators say."""

from __future__ import annotations

import http.server
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import bare
from benchmarks.load_figures import Findings, figures, tables
from gate import shell
from gate.errors import CouldNotRunError, UsageError
from gate.target import load

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WRK = """\
Running 3s test @ http://127.0.0.1:8999/bare
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     6.12ms    2.01ms  40.02ms   86.11%
    Req/Sec     2.62k   210.00     2.99k    70.00%
  Latency Distribution
     50%  950.00us
     75%    6.90ms
     90%    8.01ms
     99%    1.20s
  7823 requests in 3.00s, 1.10MB read
"""
FAILED = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\n"
END = "Requests/sec:   2606.32\nTransfer/sec:    375.30KB\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--jobs", "3"), "'3' is no whole number of at least 20"),
        (("--part", "all"), "invalid choice: 'all'"),
        (("--target", "nowhere.toml"), "nowhere.toml: there is no such file"),
        (("--json", "nowhere/figures.json"), "there is no such folder"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_starts(arguments: tuple[str, ...], said: str) -> None:
    argv = [sys.executable, "-m", "benchmarks.load", *arguments]
    done = shell.run(argv, cwd=ROOT, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"}, timeout_s=60)
    assert done.status == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_what_wrk_says_is_read() -> None:
    assert bare.of_wrk(WRK + END) == bare.Speed(2606.32, 0.00095, 1.2, 0)
    assert bare.of_wrk(WRK + FAILED + END).failed == 15


@pytest.mark.parametrize("text", ["", WRK, END, "unable to connect to 127.0.0.1:8999 Connection refused"])
def test_what_is_no_result_of_wrk_is_none(text: str) -> None:
    with pytest.raises(CouldNotRunError, match="nothing that is a result"):
        bare.of_wrk(text)


def test_without_wrk_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(UsageError) as refused:
        bare.demand_wrk()
    assert refused.value.mend == "apt-get install wrk"


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Nothing: thousands of requests come."""


@pytest.fixture
def url() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_the_generator_is_timed_as_the_gate_uses_it(url: str, tmp_path: Path) -> None:
    seen = bare.generator(tmp_path / "made", url, "/", users=4, seconds=5)
    assert seen.failed == 0
    assert seen.per_s > 20
    assert seen.cores is not None
    assert 0 < seen.cores < 1.5
    assert 0 < seen.p50_s < 2


def test_a_generator_that_hardly_ran_has_no_speed() -> None:
    with pytest.raises(CouldNotRunError, match="three seconds"):
        bare.of_generator('{"seconds": [{"requests": 1}, {"requests": 1}], "histograms": {}}')


def test_figures_hold_each_part_and_what_went_wrong() -> None:
    findings = Findings(problems=["of 20 jobs at the limit 19 were done"])
    findings.add("limit", {"jobs/s": 12.5, "wrk": {"per_s": None}}, lambda _said: None)
    found = figures(findings, load(ROOT / "readiness.toml", "quick"))
    assert found["problems"] == ["of 20 jobs at the limit 19 were done"]
    limit, machine = tables(found)
    assert limit.title == "limit"
    assert limit.row_count == 3
    assert machine.row_count == 2
