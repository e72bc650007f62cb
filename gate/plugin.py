"""The pytest hooks: they read the checks' metadata, resolve their needs and hand every outcome to the lane's reporter.

Refuses to judge (gate.judge does) and to decide (gate.verdict does). Without a lane (READYGATE_LANE) it refuses to run
checks at all: only `readygate run` knows what was expected, and so whether anything is missing.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gate import beside, kernel
from gate import lane as lanes
from gate.areas import AREAS
from gate.check import CheckError, Unverified
from gate.evidence import Evidence
from gate.judge import How, Seen, judge, merged
from gate.lane import LaneContext, Reporter
from gate.lanes import turn
from gate.model import Attachment, Check, CheckResult, Limit, Outcome
from gate.needs import out_of_reach
from gate.redact import Redactor
from gate.target import Target, load
from gate.text import visible

_PLUGIN = pytest.StashKey["LanePlugin"]()
_SAID_CHARACTERS = 4_000
_COLLECTION_CHARACTERS = 600
_OWN_ENDS = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
_NARROWING = {
    "keyword": "-k",
    "markexpr": "-m",
    "deselect": "--deselect",
    "lf": "--lf",
    "stepwise": "--sw",
    "maxfail": "--maxfail",
}


def pytest_configure(config: pytest.Config) -> None:
    context = lanes.current()
    if context is None:
        config.pluginmanager.register(_Refusal())
        return
    plugin = LanePlugin(context)
    config.stash[_PLUGIN] = plugin
    config.pluginmanager.register(plugin)
    for option, flag in _NARROWING.items():
        if getattr(config.option, option, None):
            plugin.reporter.problem(f"narrowed by {flag} {getattr(config.option, option)}".strip())


def check_of(item: pytest.Item) -> Check | None:
    """The check that an item carries. Raises CheckError for two."""
    marks = list(item.iter_markers("check"))
    if len(marks) > 1:
        raise CheckError(f"{item.nodeid} carries {len(marks)} checks; one function is one check")
    return marks[0].args[0] if marks else None


@pytest.hookimpl(optionalhook=True)
def pytest_metadata(metadata: dict[str, Any]) -> None:
    """Of pytest-metadata: what it read from a build server's environment stands on pytest-html's page."""
    metadata.update(Redactor().json(metadata))


def _turn(item: pytest.Item) -> int:
    check = check_of(item)
    return turn(check.id) if check else 0


class _Refusal:
    """Stands in where no lane is: a check run by bare pytest could not tell what is missing."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        check = next((check for item in items if (check := check_of(item))), None)
        if check and not config.option.collectonly:
            raise pytest.UsageError(f"{check.id} is a readiness check: run it with `readygate run --check {check.id}`")


@dataclass
class _Running:
    """A check's test between its start and its end."""

    started: str
    began: float
    evidence: Evidence
    phases: list[Seen] = field(default_factory=list)


class LanePlugin:
    """One lane's hooks and their state."""

    def __init__(self, context: LaneContext) -> None:
        self.context = context
        self.target: Target = load(Path(context.target), profile=context.profile).held_against(context.baseline)
        self.redactor = Redactor()
        self.reporter = Reporter(context.findings, self.redactor)
        self._under_way = beside.hold(context)
        self._running: dict[str, _Running] = {}
        self._items_left: dict[str, int] = {}
        self._results: dict[str, CheckResult] = {}
        self._interrupted = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        for problem in _metadata_problems(items):
            self.reporter.problem(problem)
        chosen: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            check = check_of(item)
            wanted = check is not None and check.id in self.context.checks and self._reachable(check)
            (chosen if wanted else dropped).append(item)
        items[:] = sorted(chosen, key=_turn)
        config.hook.pytest_deselected(items=dropped)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not report.passed:
            how = "could not be collected" if report.failed else "left itself out of the collection"
            said = self.redactor.text(str(report.longrepr))[-_COLLECTION_CHARACTERS:]
            self.reporter.problem(f"{report.nodeid or 'suites'} {how}: {said}")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.reporter.running(nodeid)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        check = _certain_check_of(item)
        evidence = Evidence(check.id, Path(self.context.run_folder), self.context.elapsed, self.redactor)
        self._running[item.nodeid] = _Running(
            datetime.now(UTC).isoformat(timespec="milliseconds"), time.monotonic(), evidence
        )
        yield
        self._finish(check, self._running.pop(item.nodeid))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, None]:
        outcome = yield
        report: pytest.TestReport = outcome.get_result()
        self._running[item.nodeid].phases.append(_seen(report, call, self.redactor))
        _redact(report, self.redactor)

    def pytest_keyboard_interrupt(self) -> None:
        self._interrupted = True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        ended_early = self._interrupted or session.shouldfail or session.shouldstop
        if not ended_early and exitstatus in _OWN_ENDS:
            self.reporter.seal()

    def evidence_of(self, item: pytest.Item) -> Evidence:
        """The recorder of the check that runs."""
        return self._running[item.nodeid].evidence

    def _reachable(self, check: Check) -> bool:
        """Whether the target has what the check needs; if not, the result is reported here and now."""
        offered = self.target.capabilities() | kernel.capabilities()
        found = out_of_reach(check, offered, self.target.absence(check.id))
        if found is None:
            self._items_left[check.id] = self._items_left.get(check.id, 0) + 1
            return True
        outcome, reason = found
        self.reporter.result(_result(check, outcome, reason))
        return False

    def _finish(self, check: Check, running: _Running) -> None:
        evidence = running.evidence
        unwell = [seen for seen in running.phases if seen.how != "passed"]
        if unwell:
            evidence.attach("what-pytest-saw.txt", "\n\n".join(f"{s.phase}: {s.how}\n{s.said}" for s in unwell))
        outcome, reason = judge(check, tuple(running.phases), evidence.observations, tuple(evidence.measurements))
        result = _result(check, outcome, reason, running)
        earlier = self._results.get(check.id)
        self._results[check.id] = result if earlier is None else merged(earlier, result)
        self._items_left[check.id] -= 1
        if self._items_left[check.id] == 0:
            self.reporter.result(self._results[check.id])


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """The recorder of the check that runs."""
    return request.config.stash[_PLUGIN].evidence_of(request.node)


@pytest.fixture(scope="session")
def lane(request: pytest.FixtureRequest) -> LaneContext:
    """What this lane was asked to do."""
    return request.config.stash[_PLUGIN].context


@pytest.fixture(scope="session")
def reporter(request: pytest.FixtureRequest) -> Reporter:
    """Where phases and facts of the lane go."""
    return request.config.stash[_PLUGIN].reporter


@pytest.fixture(scope="session")
def redactor(request: pytest.FixtureRequest) -> Redactor:
    """What keeps secrets out of the evidence; the stack adds the values that it mounts."""
    return request.config.stash[_PLUGIN].redactor


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    """The system that is judged."""
    return request.config.stash[_PLUGIN].target


@pytest.fixture(scope="session")
def limits(target: Target) -> dict[str, Limit]:
    """The target's limits by name."""
    return dict(target.limits)


def _certain_check_of(item: pytest.Item) -> Check:
    check = check_of(item)
    if check is None:
        raise CheckError(f"{item.nodeid} is no check, yet it was selected in a lane")
    return check


def _metadata_problems(items: list[pytest.Item]) -> Iterator[str]:
    places: dict[str, str] = {}
    for item in items:
        check = check_of(item)
        if check is None:
            continue
        place = item.nodeid.partition("[")[0]
        if places.setdefault(check.id, place) != place:
            yield f"{check.id} is claimed by {places[check.id]} and by {place}"
        folder = item.path.parent.name
        if folder in AREAS and folder != check.area:
            yield f"{check.id} lies in suites/{folder}/"
        for excuse in ("skip", "skipif", "xfail"):
            if item.get_closest_marker(excuse):
                yield f"{check.id} is marked {excuse}: a check may not excuse itself, use waivers.toml"


def _seen(report: pytest.TestReport, call: pytest.CallInfo[None], redactor: Redactor) -> Seen:
    phase = report.when
    error = call.excinfo.value if call.excinfo else None
    if report.passed and error is None:
        return Seen(phase, "passed")
    said = redactor.text(str(error) if error else str(report.longrepr))[:_SAID_CHARACTERS].strip()
    how: How = "error"
    if report.skipped:
        how = "skipped"
    elif isinstance(error, Unverified):
        how = "unverified"
    elif isinstance(error, (AssertionError, pytest.fail.Exception)):
        how = "assertion"
    elif error is not None:
        said = f"{type(error).__name__}: {said}"
    return Seen(phase, how, said)


def _redact(report: pytest.TestReport, redactor: Redactor) -> None:
    """What pytest prints into the lane's log and its own page has no secrets either, and acts on no terminal."""
    if isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = (path, line, visible(redactor.text(reason)))
    elif report.longrepr is not None:
        report.longrepr = visible(redactor.text(str(report.longrepr)))
    report.sections = [(title, visible(redactor.text(content))) for title, content in report.sections]


def _result(check: Check, outcome: Outcome, reason: str, running: _Running | None = None) -> CheckResult:
    result = CheckResult.of(check, outcome, reason)
    if running is None:
        return result
    evidence = running.evidence
    return replace(
        result,
        observations=evidence.observations,
        started=running.started,
        seconds=round(time.monotonic() - running.began, 3),
        values=evidence.values,
        measurements=tuple(evidence.measurements),
        timeline=tuple(evidence.timeline),
        series=tuple(evidence.all_series),
        attachments=tuple(_kept(each, outcome) for each in evidence.attachments),
        findings=tuple(evidence.findings),
    )


def _kept(attachment: Attachment, outcome: Outcome) -> Attachment:
    """Nobody reads the logs of a check that passed in the report: they make reports too large to open."""
    return replace(attachment, excerpt="") if outcome is Outcome.PASSED else attachment
