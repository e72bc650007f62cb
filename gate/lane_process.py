"""A lane as the runner sees it: a pytest process of its own and the file of findings that it appends to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gate import lane, owner, shell
from gate.judge import CUT_OFF
from gate.lane import Findings, LaneContext
from gate.model import Check, Lane

TREE = Path(__file__).resolve().parent.parent
SUITES = TREE / "suites"
RULES = SUITES / "lane.ini"
PLUGINS = ("gate.plugin", "fixtures.suite", "pytest_html.plugin", "pytest_html.fixtures", "pytest_metadata.plugin")
# pytest: all passed, some failed, or none was left to run, which is well only where all are not applicable: a check
# without a result is unverified whatever the status. Anything else means that it did not run as asked.
_HEALTHY_ENDS = {0, 1, 5}
# A lane that is asked to end takes its stack down first: 6 s on an idle machine, so this is patience, not a limit.
_TEARDOWN_S = 90


def now() -> str:
    """This moment in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass
class LaneProcess:
    """A lane that was started; `look` brings its state up to date."""

    context: LaneContext
    process: subprocess.Popen[str]
    started: str = field(default_factory=now)
    began: float = field(default_factory=time.monotonic)
    findings: Findings = field(default_factory=Findings)
    finished: str | None = None
    seconds: float = 0.0
    status: int | None = None
    asked: bool = False  # to end before its end

    @classmethod
    def start(cls, context: LaneContext) -> LaneProcess:
        """Start pytest on the suites with this lane's context, its output in the run's folder."""
        folder = Path(context.run_folder)
        context_file = context.save()
        plugins = [part for name in PLUGINS for part in ("-p", name)]
        page = ["--html", str(folder / "pytest" / f"{context.lane}.html"), "--self-contained-html"]
        suites = context.suites
        only_here = ["-c", str(RULES), "--rootdir", suites, "--confcutdir", suites]
        argv = [sys.executable, "-m", "pytest", *only_here, *plugins, *page, suites]
        with (folder / "lanes" / f"{context.lane}.log").open("w") as log:
            process = shell.start(argv, cwd=TREE, env=_environment(context, context_file), stdout=log, stderr=log)
        return cls(context, process)

    def look(self) -> bool:
        """Read what it found and whether it ended; True if anything changed."""
        status = self.process.poll()
        findings = lane.read(self.context.findings)
        changed = findings != self.findings or (status is not None and self.status is None)
        self.findings = findings
        if status is not None and self.status is None:
            self.status, self.finished, self.seconds = status, now(), time.monotonic() - self.began
        return changed

    def ask_to_end(self) -> None:
        """As Ctrl-C would: pytest ends the check that runs and takes the stack down."""
        if self.process.poll() is None:
            self.asked = True
            self.process.send_signal(signal.SIGINT)

    def await_end(self) -> None:
        """Wait until it has taken its stack down; insist when it does not."""
        try:
            self.process.wait(_TEARDOWN_S)
        except subprocess.TimeoutExpired:
            shell.end(self.process, grace_s=1)
        self.look()

    def why_missing(self, check: Check) -> str:
        """The sentence for a check of which this lane, now ended, said nothing."""
        source = check.source.removeprefix("suites/")
        places = (check.id, source, f"{Path(source).parent}/__init__.py") if source else (check.id,)
        about_it = [p for p in self.findings.problems if any(place in p for place in places)]
        if about_it:
            return about_it[0]
        if not self.findings.sealed and self.findings.problems:
            return self.findings.problems[0]
        if self.findings.sealed:
            return "the suites hold no such check: restore it, or take it out of the catalogue with `make docs`"
        if self.asked:
            return CUT_OFF
        at = self.findings.running or "nothing"
        return f"its lane ended with {self.status} while it ran {at}; see lanes/{self.context.lane}.log"

    def summary(self, longest: float) -> Lane:
        """The lane as results.json has it; `longest` is the time (s) of the longest lane."""
        return Lane(
            name=self.context.lane,
            areas=tuple(dict.fromkeys(check.split(".", 1)[0] for check in self.context.checks)),
            started=self.started,
            finished=self.finished,
            seconds=round(self.seconds, 3),
            sealed=self.findings.sealed and self.status in _HEALTHY_ENDS,
            critical=self.seconds >= longest > 0,
            phases=self.findings.phases,
            problems=self.findings.problems,
            checks=self.context.checks,
        )


def _environment(context: LaneContext, context_file: Path) -> dict[str, str]:
    """Nothing from outside may add, drop or reorder checks: no foreign options, no foreign plugins."""
    return {
        lane.VARIABLE: str(context_file),
        owner.OWNER_VARIABLE: context.owner,
        "PYTEST_ADDOPTS": "",
        "PYTEST_PLUGINS": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONOPTIMIZE": "",  # would strip the assertions out of everything that pytest does not rewrite
        "PYTHONSAFEPATH": "",  # would hide our own plugins
    }
