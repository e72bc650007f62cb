"""Where processes start: they end in time with all they started, and die with who started them."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from fixtures.wait import until
from gate import shell
from gate.shell import CommandFailed

PATIENCE_S = 60


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True


def pids(folder: Path) -> list[int]:
    return [int(path.read_text()) for path in folder.glob("*.pid") if path.read_text().strip()]


def test_what_it_said_and_how_it_ended():
    done = shell.run(["sh", "-c", "cat; echo problem >&2; exit 3"], input="hello")
    assert (done.status, done.stdout, done.stderr, done.tail) == (3, "hello", "problem\n", "problem")
    with pytest.raises(CommandFailed, match=r"greeting: `sh -c .*` ended with 3 .*\nproblem\nhint: make it"):
        done.check("greeting", "make it")
    assert shell.run(["true"]).check("nothing").status == 0


def test_variables_are_added_and_bytes_that_are_no_text_do_no_harm():
    done = shell.run(["sh", "-c", r'printf "$HOME$X\377"'], env={"X": "1"})
    assert done.stdout == f"{os.environ['HOME']}1�"


@pytest.mark.parametrize(
    ("argv", "cwd", "said"),
    [
        (["no-such-program-anywhere"], None, "no-such-program-anywhere: No such file or directory"),
        (["true"], Path("/no/such/folder"), "/no/such/folder: No such file or directory"),
        (["/etc/passwd"], None, "/etc/passwd: Permission denied"),
    ],
)
def test_a_program_that_cannot_start_is_127_and_says_what_is_missing(argv, cwd, said):
    done = shell.run(argv, cwd=cwd)
    assert (done.status, done.stderr) == (127, said)


def test_a_time_limit_ends_the_whole_group(tmp_path):
    script = f"echo begun; for n in 1 2; do sleep 300 & echo $! > {tmp_path}/$n.pid; done; trap '' TERM; wait"
    done = shell.run(["sh", "-c", script], timeout_s=1)
    assert done.timed_out
    assert done.status == -signal.SIGKILL
    assert done.stdout == "begun\n"
    assert "no end within" in done.tail
    assert len(pids(tmp_path)) == 2
    until(lambda: all(map(gone, pids(tmp_path))), PATIENCE_S, "the group is gone")


def test_a_grandchild_that_left_the_group_holds_nobody_up(tmp_path):
    script = f"echo begun; setsid sleep 300 & echo $! > {tmp_path}/1.pid; exit 0"
    began = time.monotonic()
    done = shell.run(["sh", "-c", script], timeout_s=0.5)
    try:
        assert time.monotonic() - began < PATIENCE_S
        assert (done.status, done.stdout, done.timed_out) == (0, "begun\n", True)
        with pytest.raises(CommandFailed, match="no end within"):
            done.check("a command that leaves somebody behind")
    finally:
        os.kill(pids(tmp_path)[0], signal.SIGKILL)


def test_an_interrupted_caller_ends_it(tmp_path):
    code = f"""
import signal, sys
from gate import shell
signal.alarm(1)
signal.signal(signal.SIGALRM, lambda *_: sys.exit(9))
shell.run(["sh", "-c", "echo $$ > {tmp_path}/1.pid; exec sleep 300"])
"""
    done = shell.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], timeout_s=PATIENCE_S)
    assert done.status == 9, done.stderr
    if pids(tmp_path):
        until(lambda: gone(pids(tmp_path)[0]), PATIENCE_S, "it is gone")


def test_a_child_dies_with_its_parent_however_that_dies(tmp_path):
    code = f"""
from gate import shell
shell.run(["sh", "-c", "echo $$ > {tmp_path}/1.pid; exec sleep 300"])
"""
    parent = shell.start([sys.executable, "-c", code], cwd=Path(__file__).parents[2], stdout=2)
    until(lambda: pids(tmp_path), PATIENCE_S, "the grandchild runs")
    assert not gone(pids(tmp_path)[0])
    parent.kill()
    parent.communicate()
    until(lambda: gone(pids(tmp_path)[0]), PATIENCE_S, "it died with its parent")


def test_end_asks_first_and_insists_then(tmp_path):
    asked = shell.start(["sh", "-c", "trap 'exit 7' TERM; echo; while :; do sleep 0.05; done"])
    assert asked.stdout
    asked.stdout.readline()
    assert shell.end(asked, grace_s=PATIENCE_S) == 7
    assert shell.end(asked) == 7, "an ended one stays ended"
    asked.communicate()
    deaf = shell.start(["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.05; done"])
    assert deaf.stdout
    deaf.stdout.readline()
    assert shell.end(deaf, grace_s=0.2) == -signal.SIGKILL
    deaf.communicate()


def test_a_command_line_is_never_read_by_a_shell(tmp_path):
    hostile = f"; touch {tmp_path}/planted $(touch {tmp_path}/planted)"
    assert shell.run(["echo", hostile]).stdout == hostile + "\n"
    assert list(tmp_path.iterdir()) == []
    assert not re.search(r"shell\s*=\s*True", Path(shell.__file__).read_text())


def test_a_child_can_be_interrupted_although_its_parent_ignores_it():
    """As whatever a script starts with `&` does; a lane that cannot be asked to end leaves its stack behind."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        said = shell.run([sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGINT))"])
    finally:
        signal.signal(signal.SIGINT, before)
    assert "default_int_handler" in said.stdout
