"""An owner's label tells from itself alone whether its process lives; what cannot be understood is not ours to remove."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.clients import docker
from fixtures.wait import until
from gate import owner, shell


def test_this_process_lives():
    assert owner.alive(owner.label())
    assert owner.label() == owner.label(os.getpid())


def test_a_zombie_and_a_dead_one_do_not():
    child = shell.start(["sleep", "300"])
    label = owner.label(child.pid)
    assert owner.alive(label)
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: not owner.alive(label), 60, "a zombie counts as dead")
    with pytest.raises(ProcessLookupError):
        owner.label(child.pid)
    child.communicate()
    assert not owner.alive(label)


def test_a_later_process_with_the_same_pid_is_another():
    boot, pid, ticks = owner.label().split(":")
    assert not owner.alive(f"{boot}:{pid}:{int(ticks) - 1}")


def test_a_process_from_before_a_restart_is_another():
    boot, pid, ticks = owner.label().split(":")
    other = boot[::-1].replace("-", "0")[:8] + boot[8:]
    assert other != boot
    assert not owner.alive(f"{other}:{pid}:{ticks}")


@pytest.mark.parametrize(
    "label",
    ["", "x", "::", "a:b:c", ":1:2", "a:1:2", "{boot}:²:1", "{boot}:1", "{boot}:1:x", "{boot}:1:2:3", "{boot}:-1:2"],
)
def test_a_malformed_label_counts_as_alive(label):
    boot = owner.label().partition(":")[0]
    assert owner.alive(label.replace("{boot}", boot))


def test_a_name_with_spaces_and_brackets_is_read():
    child = shell.start(["sh", "-c", "printf 'a) Z 1 (b' > /proc/$$/comm; echo; exec 1>&-; while :; do sleep 1; done"])
    assert child.stdout
    child.stdout.readline()
    assert owner.alive(owner.label(child.pid))
    assert shell.end(child, grace_s=0) != 0
    child.communicate()


def test_a_name_that_is_cut_in_the_middle_of_a_letter_is_read():
    script = r"open('/proc/self/comm', 'wb').write('é) S 1 ééééééé'.encode()); print(flush=True); input()"
    process = shell.start([sys.executable, "-c", script], stdin=subprocess.PIPE)
    try:
        process.stdout.readline()
        with pytest.raises(UnicodeDecodeError):
            Path(f"/proc/{process.pid}/stat").read_text()
        assert owner.alive(owner.label(process.pid))
        assert docker.process_start(process.pid) == owner.label(process.pid).rpartition(":")[2]
    finally:
        process.communicate("\n")
