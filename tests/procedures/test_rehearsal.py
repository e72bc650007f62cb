"""The rehearsal: what condemns a new release beside the live one, and what the script in its container sees and says."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from procedures import bake, deploy, rollback
from procedures.procedure import carry_out
from procedures.rehearsal import Rehearsal, Side, judged, script
from procedures.settings import Settings
from procedures.window import Counters
from tests.procedures.recording import COMPOSE, Recorded, rehearsed

pytestmark = pytest.mark.slow

SETTINGS = Settings()
PAGE = "/v1/jobs?limit=1"


@pytest.mark.parametrize(
    ("said", "verdict", "reason"),
    [
        (rehearsed(), "good", "0 of 150 reads failed, half within 5.0 ms beside 5.0 ms of the live release"),
        (rehearsed(new=500, bad=1), "good", "1 of 150"),
        (rehearsed(new=500, bad=2), "bad", "2 of 150 reads failed (2 times 500)"),
        (rehearsed(new=500, bad=7), "bad", "7 of 150"),
        (rehearsed(new=503), "bad", "150 of 150"),
        (rehearsed(new=0, bad=3), "bad", "3 times no answer"),
        (rehearsed(new=401), "bad", "150 times 401"),
        (rehearsed(new=401, live=401), "not judged", "150 of 150 reads of the live release failed (150 times 401)"),
        (rehearsed(live=0), "not judged", "nothing to compare with"),
        (rehearsed(live=503, bad=2), "not judged", "nothing to compare with"),
        (rehearsed(live=503, bad=1), "good", "0 of 150"),
        (rehearsed(live=500, new=500), "bad", "150 of 150 reads failed"),
        (
            rehearsed(new_ms=50),
            "bad",
            "half of 150 reads took 50.0 ms beside 5.0 ms of the live release, more than 20.0 ms",
        ),
        (rehearsed(new_ms=19), "good", "19.0 ms beside 5.0 ms"),
        (rehearsed(new_ms=10, live_ms=1), "good", "10.0 ms beside 1.0 ms"),
        (rehearsed(new_ms=12, live_ms=1), "bad", "more than 11.0 ms"),
        (rehearsed(new_ms=900, live_ms=300), "good", "900.0 ms beside 300.0 ms"),
        (rehearsed(new_ms=1500, reads=5), "bad", "half of 5 reads"),
        (rehearsed(reads=0), "not judged", "nothing was read"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value,
)
def test_a_release_is_judged_beside_the_live_one(said: dict[str, Any], verdict: str, reason: str) -> None:
    found = judged(Rehearsal("good", "", Side.read(said["new"]), Side.read(said["live"])), SETTINGS)
    assert found.verdict == verdict
    assert reason in found.reason


def test_two_failures_show_in_nearly_every_rehearsal_of_a_release_that_fails_at_5_percent() -> None:
    reads, share = round(SETTINGS.rehearsal_reads), 0.05
    at_most_one = sum(math.comb(reads, k) * share**k * (1 - share) ** (reads - k) for k in (0, 1))
    assert at_most_one < 0.005


def test_a_deploy_rehearses_before_the_switch_and_keeps_what_it_saw(system: Recorded) -> None:
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert outcome.details["rehearsal"]["verdict"] == "good"
    assert outcome.details["rehearsal"]["new"] == {"reads": 150, "failed": 0, "median_ms": 5.0}
    assert system.argvs.index(COMPOSE.script("api-green")) < system.argvs.index(COMPOSE.gateway_to("green"))


@pytest.mark.parametrize("said", [rehearsed(new=500, bad=8), rehearsed(new_ms=50)], ids=["erroring", "slow"])
def test_a_release_that_is_bad_in_the_rehearsal_is_never_switched_to(said: dict[str, Any], system: Recorded) -> None:
    system.rehearsal = said
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status, outcome.details["failed_phase"]) == ("rolled-back", 1, "rehearse")
    assert "1.1.0 in the rehearsal: " in outcome.reason
    assert COMPOSE.gateway_to("green") not in system.argvs


def test_a_sound_release_replaces_a_live_one_that_is_broken(system: Recorded) -> None:
    system.rehearsal = rehearsed(live=500)
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert outcome.result == "deployed"
    assert "the rehearsal proves nothing" in outcome.reason


def test_a_container_in_which_no_rehearsal_can_be_held_is_not_switched_to(system: Recorded) -> None:
    system.fails = lambda argv: argv == COMPOSE.script("api-green")
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.details["failed_phase"]) == ("rolled-back", "rehearse")
    assert "it broke" in outcome.reason


def test_a_few_good_reads_show_nothing_and_a_few_bad_ones_enough() -> None:
    few = {"statuses": [200] * 18, "ms": [50.0] * 18}
    slow = {"statuses": [200] * 18, "ms": [500.0] * 18}
    found = judged(Rehearsal("good", "", Side.read(few), Side.read(few)), SETTINGS)
    assert found.verdict == "not judged"
    assert "18 of 150 reads" in found.reason
    assert judged(Rehearsal("good", "", Side.read(slow), Side.read(few)), SETTINGS).verdict == "bad"


def test_without_a_token_the_rehearsal_is_said_to_prove_nothing(system: Recorded) -> None:
    system.fails = lambda argv: "procedures.token" in argv
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert outcome.result == "deployed"
    assert "no token" in outcome.details["rehearsal"]["reason"]


def test_it_can_be_done_without(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_REHEARSAL_READS", "0")
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert outcome.details["rehearsal"] == {"verdict": "not judged", "reason": "DEPLOY_REHEARSAL_READS is 0"}
    assert COMPOSE.script("api-green") not in system.argvs


def test_a_rollback_does_not_rehearse(system: Recorded) -> None:
    carry_out(deploy.request("1.1.0"), system)
    system.argvs.clear()
    carry_out(rollback.request(""), system)
    assert not [argv for argv in system.argvs if argv[-2:] == ("python", "-")]


def test_the_token_is_in_no_argument_and_no_environment(system: Recorded) -> None:
    texts: list[str] = []
    answered = system._answer

    def looked(argv: tuple[str, ...], env: dict[str, str], text: str | None) -> Any:
        texts.append(text or "")
        return "s3cret" if "procedures.token" in argv else answered(argv, env, text)

    system._answer = looked  # type: ignore[method-assign]
    carry_out(deploy.request("1.1.0"), system)
    assert any("s3cret" in text for text in texts)
    assert "s3cret" not in str(system.argvs) + str(system.environments)


def test_the_script_reads_both_servers_by_turns() -> None:
    asked: list[str] = []
    with serving(asked=asked, name="new") as new, serving(asked=asked, name="live") as live:
        said = rehearse_with(new, live, reads=20)
    assert said["new"]["statuses"] == said["live"]["statuses"] == [200] * 20
    pairs = list(zip(asked[::2], asked[1::2], strict=True))
    assert len(pairs) == 3 + 20
    assert {tuple(sorted(pair)) for pair in pairs} == {("live", "new")}
    assert len(set(pairs)) == 2, "neither is always the first of a pair"


def test_the_script_sees_errors_slowness_and_silence() -> None:
    with serving(status=lambda index: 500 if index % 3 == 0 else 200, delay=0.03) as new:
        said = rehearse_with(new, "127.0.0.1:1", reads=30)
    assert 9 <= said["new"]["statuses"].count(500) <= 11
    assert min(said["new"]["ms"]) >= 30
    assert said["live"]["statuses"] == [0] * 30
    assert judged(Rehearsal("good", "", Side.read(said["new"]), Side.read(said["live"])), SETTINGS).verdict == "bad"


def test_the_script_ends_in_time_however_slow_the_release_is() -> None:
    began = time.monotonic()
    with serving(delay=0.3) as new, serving() as live:
        said = rehearse_with(new, live, reads=1000, within_s=2.0)
    assert time.monotonic() - began < 10
    found = judged(Rehearsal("good", "", Side.read(said["new"]), Side.read(said["live"])), SETTINGS)
    assert found.verdict == "bad"


def test_the_script_hands_over_what_the_release_has_counted() -> None:
    with serving() as new, serving() as live:
        said = rehearse_with(new, live, reads=1)
        nothing = rehearse_with(live.replace("127.0.0.1", "localhost"), "127.0.0.1:1", reads=1, names=["other"])
    assert bake.counted(said["counted"]) == Counters(5, 1, ((0.1, 5.0), (math.inf, 6.0)))
    assert nothing["counted"] == []
    with serving() as live:
        assert rehearse_with("127.0.0.1:1", live, reads=1)["counted"] is None


EXPOSED = """\
# TYPE docjobs_http_requests_total counter
docjobs_http_requests_total{method="GET",route="/v1/jobs",status="200"} 4.0
docjobs_http_requests_total{method="POST",route="/v1/jobs",status="500"} 1.0
docjobs_http_requests_total{method="GET",route="/readyz",status="200"} 99.0
docjobs_http_requests_created{method="GET",route="/v1/jobs",status="200"} 1.7e+09
docjobs_http_request_duration_seconds_bucket{le="0.1",method="GET",route="/v1/jobs"} 4.0
docjobs_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/v1/jobs"} 5.0
docjobs_http_request_duration_seconds_bucket{le="0.1",method="POST",route="/v1/jobs"} 1.0
docjobs_http_request_duration_seconds_bucket{le="+Inf",method="POST",route="/v1/jobs"} 1.0
"""


def rehearse_with(
    new: str, live: str, *, reads: int, within_s: float = 15.0, names: list[str] | None = None
) -> dict[str, Any]:
    """What the script says, run as in the container: by a Python that knows nothing of us."""
    wish = {
        "new": new,
        "live": live,
        "path": PAGE,
        "token": "t",
        "reads": reads,
        "warm_up": 3,
        "within_s": within_s,
        "metrics": names or bake.NAMES,
    }
    argv = [sys.executable, "-I", "-"]
    done = subprocess.run(argv, input=script(wish), capture_output=True, text=True, check=True, cwd=Path("/"))
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@contextmanager
def serving(
    *, status: Any = lambda _index: 200, delay: float = 0.0, asked: list[str] | None = None, name: str = ""
) -> Iterator[str]:
    """The address of a server whose answers have these statuses, after `delay` seconds."""
    seen = [0]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = EXPOSED.encode()
            code = 200
            if self.path == PAGE:
                time.sleep(delay)
                code, body = status(seen[0]), b"{}"
                seen[0] += 1
                if asked is not None:
                    asked.append(name)
                assert self.headers["Authorization"] == "Bearer t"
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
