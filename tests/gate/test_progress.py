import io
from types import SimpleNamespace

from rich.console import Console

from gate.lane import Findings
from gate.progress import Progress


def said(*findings, quiet=False):
    """What a progress prints when a lane has found so much, one after the other."""
    written = io.StringIO()
    progress = Progress(Console(file=written, width=200), quiet=quiet)
    for found in findings:
        lane = SimpleNamespace(context=SimpleNamespace(lane="release"), findings=found)
        progress.update(SimpleNamespace(checks=()), [lane])
    return written.getvalue().splitlines()


def test_each_notice_and_each_phase_is_told_once_as_they_come():
    first = Findings(phases=(("stack: create", 1.5),), notices=("load crowd-5: 30 jobs",))
    second = Findings(phases=first.phases, notices=(*first.notices, "load arrivals: 100 jobs", "load crowd-5: 30 jobs"))
    assert said(first, first, second) == [
        "  · release: stack: create  1.5 s",
        "  · release: load crowd-5: 30 jobs",
        "  · release: load arrivals: 100 jobs",
        "  · release: load crowd-5: 30 jobs",
    ]


def test_a_quiet_run_tells_none():
    assert said(Findings(notices=("load crowd-5: 30 jobs",)), quiet=True) == []
