"""What carries a service's lines away: the real programs, on a socket and a folder of the test's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LOGS = Path(__file__).resolve().parents[2] / "reference/logs"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("perl") is None, reason="the programs are Perl, which Debian always has"),
]

TRACEBACK = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
    raise KeyError(1)
KeyError: 1

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    raise ValueError("second")
ValueError: second"""


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Runs a shell script under logship and returns the lines that reached the socket."""
    address = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address)
        receiver.settimeout(0.3)

        def ship(script: str) -> list[str]:
            environment = {**os.environ, "LOG_SOCKET": address, "LOG_SERVICE": "clerk", "LOG_RELEASE": "7"}
            done = subprocess.run(
                [LOGS / "logship", "sh", "-c", script],
                env=environment,
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            )
            found = []
            try:
                while True:
                    found.append(receiver.recv(65536).decode())
            except TimeoutError:
                pass
            assert all(" clerk " in record and " 7 - " in record for record in found)
            ship.copy = done.stdout
            return [record.partition(" - ")[2] for record in found]

        yield ship


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("one\ntwo", ["one", "two"]),
        ('{"a": 1}\n{"b": 2}', ['{"a": 1}', '{"b": 2}']),
        ("SELECT 1\n\tFROM x\n\tWHERE y\nnext", ["SELECT 1\n\tFROM x\n\tWHERE y", "next"]),
        (TRACEBACK, [TRACEBACK]),
        (f"{TRACEBACK}\nplain", [TRACEBACK, "plain"]),
        (f'{TRACEBACK}\n{{"a": 1}}', [TRACEBACK, '{"a": 1}']),
        (f"before\n{TRACEBACK}\n\nafter", ["before", TRACEBACK, "after"]),
        (
            'Exception in thread "main" X\n\tat a.b(C.java:1)\nCaused by: Y\n\tat d.e(F.java:2)',
            ['Exception in thread "main" X\n\tat a.b(C.java:1)\nCaused by: Y\n\tat d.e(F.java:2)'],
        ),
        ("\n\n", []),
    ],
)
def test_lines_that_belong_together_are_one_record_and_all_others_their_own(shipped, tmp_path, text, records):
    (tmp_path / "text").write_text(f"{text}\n")
    assert shipped(f"cat {tmp_path}/text") == records
    assert shipped.copy == f"{text}\n"


def test_a_traceback_that_is_written_line_by_line_is_one_record(shipped, tmp_path):
    (tmp_path / "text").write_text(f"{TRACEBACK}\n")
    script = f"while IFS= read -r line; do printf '%s\\n' \"$line\"; sleep 0.02; done < {tmp_path}/text"
    assert shipped(script) == [TRACEBACK]


def test_a_text_line_does_not_wait_for_one_that_never_comes(shipped):
    assert shipped("echo first; sleep 0.4; printf '  second\\n'") == ["first", "  second"]


def asked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LOG_STORE": str(folder)}
    return subprocess.run([LOGS / "log-lines", *words], env=environment, capture_output=True, text=True, check=False)


def lines(folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [LOGS / "log-lines", *arguments],
        env={**os.environ, "LOG_STORE": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line)["message"] for line in done.stdout.splitlines()]


def stored(folder: Path, name: str, moments: range, pad: str = "") -> None:
    """A stored line of each second of 13:00 to 13:59."""
    folder.mkdir(exist_ok=True)
    with (folder / name).open("a") as file:
        for n in moments:
            at = f"2026-11-24T13:{n // 60:02}:{n % 60:02}.500000+00:00"
            file.write(json.dumps({"message": n, "pad": pad, "note": '"received":"2000"', "received": at}) + "\n")


def test_the_lines_between_two_moments_are_found_in_a_large_store(tmp_path):
    stored(tmp_path / "clerk", "2026-11-24.jsonl", range(3000), pad="x" * 500)
    stored(tmp_path / "web", "2026-11-24.jsonl", range(3000))
    found = lines(tmp_path, "2026-11-24T13:10:00Z", "2026-11-24T13:10:05Z")
    assert found == [*range(600, 605)] * 2
    assert lines(tmp_path, "2026-11-24T13:00:00Z", "2026-11-24T14:00:00Z", "web") == [*range(3000)]
    assert lines(tmp_path, "2026-11-24T13:49:58.5Z", "2026-11-25T00:00:00Z", "clerk") == [2998, 2999]
    assert lines(tmp_path, "2026-11-24T14:00:00Z", "2026-11-25T00:00:00Z") == []


def test_what_was_split_off_comes_first_and_a_half_written_line_not_at_all(tmp_path):
    stored(tmp_path / "web", "2026-11-24.131000.jsonl", range(5))
    stored(tmp_path / "web", "2026-11-24.jsonl", range(5, 9))
    with (tmp_path / "web/2026-11-24.jsonl").open("a") as file:
        file.write('{"message": 9, "received": "2026-11-24T13:00:09')
    assert lines(tmp_path, "2026-11-24T13:00:00+00:00", "2026-11-24T14:00:00+00:00") == [*range(9)]


@pytest.mark.parametrize(
    "words", [(), ("2026-11-24",), ("2026-11-24T13:00:00Z", "now"), ("2026-11-24T13:00:00+02:00",) * 2]
)
def test_moments_that_are_none_are_refused_with_an_example(tmp_path, words):
    done = subprocess.run(
        [LOGS / "log-lines", *words],
        env={**os.environ, "LOG_STORE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "write: log-lines 2026-" in done.stderr


def test_the_store_is_not_left_through_a_service_s_name(tmp_path):
    stored(tmp_path / "web", "2026-11-24.jsonl", range(1))
    (tmp_path / "store").mkdir()
    assert lines(tmp_path / "store", "2026-11-24T13:00:00Z", "2026-11-24T14:00:00Z", "../web") == []


def metered(folder: Path, *said: str) -> dict[str, str]:
    file = folder / "log.prom"
    subprocess.run(
        [LOGS / "log-meter"],
        env={**os.environ, "LOG_METRICS": str(file)},
        input="\n".join(said) + "\n",
        text=True,
        check=True,
    )
    assert not (folder / "log.prom.new").exists()
    return dict(re.findall(r"^docjobs_log_(\S+) (\S+)$", file.read_text(), re.MULTILINE))


def test_rsyslog_s_counters_become_metrics_by_sender_and_level(tmp_path):
    found = metered(
        tmp_path,
        'rsyslogd-pstats { "name": "store-file", "origin": "core.action", "processed": 12, "failed": 2, "suspended": 0 }',
        'rsyslogd-pstats { "name": "store", "origin": "core.queue", "size": 3, "discarded.full": 4, "discarded.nf": 1 }',
        'clerk {"level":"warning","message":"log lines dropped while the aggregator was away","dropped":17}',
        'rsyslogd-pstats { "name": "lines", "origin": "dynstats.bucket", "values": { "clerk|info": 9, "web|error": 3 } }',
    )
    assert found == {
        'lines_received_total{sender="clerk",level="info"}': "9",
        'lines_received_total{sender="clerk",level="error"}': "0",
        'lines_received_total{sender="clerk",level="critical"}': "0",
        'lines_received_total{sender="web",level="error"}': "3",
        'lines_received_total{sender="web",level="critical"}': "0",
        "lines_written_total": "10",
        "lines_failed_total": "7",
        'lines_dropped_total{sender="clerk"}': "17",
        'lines_dropped_total{sender="web"}': "0",
        "lines_waiting": "3",
    }


def test_nothing_is_published_before_rsyslog_has_counted(tmp_path):
    began = time.monotonic()
    file = tmp_path / "log.prom"
    subprocess.run(
        [LOGS / "log-meter"], env={**os.environ, "LOG_METRICS": str(file)}, input="nonsense\n\n", text=True, check=True
    )
    assert not file.exists()
    assert time.monotonic() - began < 5


KEPT_BY = """trap 'echo >> "$HUPS"' HUP
"$KEEPER" > "$SAID" &
while :; do sleep 0.1; done"""


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Callable[[], bool]], None]:
    """Runs log-keeper on a store that may take 2 MiB, below a parent in rsyslogd's place, until something holds."""

    def until(held: Callable[[], bool]) -> None:
        environment = {
            **os.environ,
            "LOG_STORE": str(tmp_path / "store"),
            "LOG_METRICS": str(tmp_path / "logs.prom"),
            "HUPS": str(tmp_path / "hups"),
            "SAID": str(tmp_path / "said"),
            "KEEPER": str(LOGS / "log-keeper"),
            "DOCJOBS_LOGS_DAYS": "3",
            "DOCJOBS_LOGS_MIB": "2",
            "DOCJOBS_LOGS_FILE_MIB": "1",
        }
        # Below nohup SIGHUP is ignored, and a shell cannot trap what it found ignored.
        heard = ["env", "--default-signal=HUP", "bash", "-c", KEPT_BY]
        with subprocess.Popen(heard, env=environment) as parent:
            try:
                deadline = time.monotonic() + 15
                while not held():
                    assert time.monotonic() < deadline, sorted((tmp_path / "store").rglob("*"))
                    time.sleep(0.1)
            finally:
                parent.kill()

    return until


def sized(path: Path, kib: int, days_old: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * kib * 1024)
    at = time.time() - days_old * 86_400
    os.utime(path, (at, at))
    return path


def taken(store: Path) -> int:
    return sum(file.stat().st_size for file in store.rglob("*.jsonl"))


def test_one_that_floods_gives_way_and_the_others_keep_what_they_said(keep, tmp_path):
    store = tmp_path / "store"
    others = [sized(store / "web" / "2026-11-24.jsonl", 300), sized(store / "db" / "2026-11-23.235900.jsonl", 300)]
    flood = [sized(store / "clerk" / name, 900) for name in ("2026-11-24.120000.jsonl", "2026-11-24.120002.jsonl")]
    current = sized(store / "clerk" / "2026-11-24.jsonl", 1100)
    hups = tmp_path / "hups"  # rsyslogd was told to let go of what is split off
    keep(lambda: taken(store) < 2 * 1024**2 and "most_bytes 2097152" in metrics_of(tmp_path) and hups.exists())
    assert [path.stat().st_size for path in others] == [300 * 1024] * 2
    assert not flood[0].exists()
    assert not current.exists(), "it was split off, because it is larger than a file may be"


def test_one_file_that_is_still_written_is_split_off_before_it_goes(keep, tmp_path):
    store = tmp_path / "store"
    for name in ("a", "b", "c"):
        sized(store / name / "2026-11-24.jsonl", 900)
    keep(lambda: taken(store) < 2 * 1024**2 and (tmp_path / "hups").exists())


def test_what_is_too_old_goes_and_a_small_store_is_left_alone(keep, tmp_path):
    store = tmp_path / "store"
    old, new = sized(store / "a" / "2026-11-01.jsonl", 1, days_old=5), sized(store / "a" / "2026-11-24.jsonl", 1)
    keep(lambda: not old.exists() and "bytes 1024" in metrics_of(tmp_path))
    assert new.exists()
    assert not (tmp_path / "hups").exists()
    assert "heartbeat" in (tmp_path / "said").read_text()


def metrics_of(folder: Path) -> str:
    file = folder / "logs.prom"
    return file.read_text() if file.exists() else ""


def test_a_command_that_ends_unnoticed_is_no_endless_wait(tmp_path):
    """A signal that came before there was a handler never comes again; here it never comes at all."""
    done = subprocess.run(
        [LOGS / "logship", "sh", "-c", "exit 3"],
        env={**os.environ, "LOG_SOCKET": str(tmp_path / "none")},
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD}),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 3
