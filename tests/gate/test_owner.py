"""An owner's label tells from itself alone whether its process lives; what cannot be understood is not ours to remove."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.clients import docker
from fixtures.wait import until
from gate import owner, shell

OTHER_BOOT = "00000000-0000-0000-0000-000000000000"


def labelled(**parts: str) -> str:
    """This process's label with some parts exchanged."""
    names = ("boot", "pid", "ticks", "namespace", "machine")
    return ":".join({**dict(zip(names, owner.label().split(":"), strict=True)), **parts}.values())


def unshared(*more: str) -> list[str]:
    """What starts a command in a PID namespace of its own; whoever is not root becomes root of a user namespace first.
    Nothing where the kernel forbids it: the command then runs in this one."""
    argv = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--pid", "--fork", *more]
    return argv if shell.run([*argv, "true"]).status == 0 else []


@contextmanager
def other_namespace() -> Iterator[str]:
    """The label of a process that lives in another PID namespace; where none can be made, with the inode of none."""
    argv = unshared("--mount-proc")
    script = "from gate import owner; print(owner.label(), flush=True); input()"
    process = shell.start([*argv, sys.executable, "-c", script], stdin=subprocess.PIPE)
    try:
        label = process.stdout.readline().strip()
        yield label if argv else labelled(namespace="1")
    finally:
        process.communicate("\n")


def sees_every_process() -> bool:
    return os.geteuid() == 0 and owner._namespace("self") == owner._MACHINES_OWN_NAMESPACE


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
    assert not owner.alive(labelled(ticks=str(int(owner.label().split(":")[2]) - 1)))


def test_a_process_from_before_a_restart_of_this_machine_is_another():
    assert owner.alive(labelled(boot=OTHER_BOOT)) is (owner._machine() == "-")


@pytest.mark.parametrize("machine", ["0123456789ab", "-"])
def test_another_machine_on_the_same_engine_may_live(machine):
    assert owner.alive(labelled(boot=OTHER_BOOT, machine=machine))


def test_a_machine_that_has_no_name_cannot_be_told_from_another(tmp_path, monkeypatch):
    monkeypatch.setattr(owner, "_machine", lambda: "-")
    assert owner.label().endswith(":-")
    assert owner.alive(labelled(boot=OTHER_BOOT, machine="-"))


def test_a_copy_of_a_machine_has_its_id_and_another_name(monkeypatch):
    mine = labelled(boot=OTHER_BOOT)
    monkeypatch.setattr(owner.socket, "gethostname", lambda: "a-copy")
    assert owner.alive(mine)


def test_a_process_in_another_namespace_may_live_whatever_its_pid():
    with other_namespace() as label:
        boot, _pid, ticks, namespace, machine = label.split(":")
        mine = owner.label().split(":")
        assert (boot, machine) == (mine[0], mine[4])
        assert namespace != mine[3]
        told_dead = not unshared() and sees_every_process()  # the kernel let us make none, so it is that of no process
        assert owner.alive(label) is not told_dead
        assert owner.alive(labelled(pid="4194304", namespace=namespace)) is not told_dead, "no such pid here: no matter"
        assert not owner.alive(f"{boot}:4194304:{ticks}"), "which is how it looked before"


def test_of_an_ended_namespace_only_who_sees_every_process_can_tell():
    with other_namespace() as label:
        pass
    assert owner.alive(label) is not sees_every_process()


def test_who_lives_in_a_namespace_is_seen_there_as_alive_and_the_dead_as_dead():
    script = """if True:
        import subprocess
        from gate import owner
        child = subprocess.Popen(["sleep", "300"])
        label = owner.label(child.pid)
        assert owner.alive(owner.label()), "itself"
        assert owner.alive(label), "its child"
        child.kill(), child.wait()
        assert not owner.alive(label), "its dead child"
        print("told")
    """
    done = shell.run([*unshared("--mount-proc"), sys.executable, "-c", script])
    assert done.stdout == "told\n", done.stderr


def test_a_foreign_proc_judges_nobody():
    """`unshare --pid` alone: /proc shows the namespace outside, in which the same numbers are other processes."""
    script = """if True:
        from gate import owner
        boot, pid, ticks, namespace, machine = owner.label().split(":")
        assert owner.alive(f"{boot}:{pid}:{ticks}:{namespace}:{machine}")
        if not owner._own_proc():
            assert owner.alive(f"{boot}:4194304:{ticks}:{namespace}:{machine}")
        print("told")
    """
    done = shell.run([*unshared(), sys.executable, "-c", script])
    assert done.stdout == "told\n", done.stderr


def test_a_label_as_it_was_before_is_understood_as_before():
    boot, pid, ticks = owner.label().split(":")[:3]
    assert owner.alive(f"{boot}:{pid}:{ticks}")
    assert not owner.alive(f"{boot}:{pid}:{int(ticks) - 1}")
    assert not owner.alive(f"{OTHER_BOOT}:{pid}:{ticks}")


@pytest.mark.parametrize(
    "label",
    [
        "",
        "x",
        "::",
        "a:b:c",
        ":1:2",
        "a:1:2",
        "{boot}:²:1",
        "{boot}:1",
        "{boot}:1:x",
        "{boot}:1:2:3",
        "{boot}:-1:2",
        "{boot}:1:2:3:",
        "{boot}:1:2:x:-",
        "{boot}:1:2:3:4",
    ],
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
        assert docker.process_start(process.pid) == owner.label(process.pid).split(":")[2]
    finally:
        process.communicate("\n")
