import time
from collections.abc import Sequence

import pytest

from fixtures.clients.docker import Container
from fixtures.clients.logs import Logs, NotKept, engine_lines
from fixtures.ledger import Ledger
from fixtures.log_account import account
from fixtures.printing import ERRORS, Mark, both_streams, printed, printed_everywhere, shipped
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "monitoring.logs",
    title="Each line that a container of any role prints is in the log store soon, under load too, and once",
    why="The one line that explains an outage is the one that a full buffer or a forgotten service dropped.",
    fix="Send the service's output where the others' goes; make the way there wait where it now drops.",
    needs=("logs.read", "job"),
    standards=("C62", "ASVS 5.0 16.4.3"),
    minimum=1000,
    broken_by=(
        Sabotage(
            id="worker-on-another-log-driver",
            title="A worker whose log driver keeps nothing",
            compose={"services": {"{worker}": {"logging": {"driver": "none"}}}},
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_logs(
    stack: ComposeStack, ledger: Ledger, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    logs, containers = Logs(stack), shipped(stack)
    evidence.value("services that are exempt", dict(target.logs.exempt) if target.logs else {})
    ledger.submit_at_once(int(limits["load.concurrent_jobs"].value))

    delays = {
        container.name: _delay(stack, logs, container, limits["monitoring.log_delay_s"]) for container in containers
    }
    evidence.value("seconds until one line was stored, exec and query included", delays)
    late = [name for name, seconds in delays.items() if seconds is None]
    assert not late, f"a line printed here did not reach the log store: {', '.join(late)}"
    evidence.measure(
        "printed until stored", [s for s in delays.values() if s is not None], "s", limits["monitoring.log_delay_s"]
    )

    if both_streams(stack):
        _demand_errors(stack, logs, containers, limits["monitoring.log_delay_s"], evidence)

    count, began = int(limits["monitoring.log_lines"].value), time.time()
    marks = {container.name: Mark() for container in containers}
    seconds = printed_everywhere(stack, [(c, marks[c.name].numbered(count)) for c in containers])
    evidence.value("seconds that the slowest container took to print them", seconds)
    words = {mark.word: name for name, mark in marks.items()}
    _await_all(logs, words, count, began, limits["monitoring.log_drain_s"])
    evidence.measure("from the first line of the burst until all were stored", time.time() - began, "s")
    # The copy to look at while the store itself is away, and the witness that the lines were printed at all.
    for container in containers:
        _demand_copy(container, marks[container.name], count, began)
    ledger.follow()

    # Only now, because what is stored a second time may come late.
    tallies = account(logs.lines(began - 1), words, count)
    evidence.value("numbered lines by container", {name: tally.json() for name, tally in tallies.items()})
    evidence.observed(count * len(containers), "numbered lines printed and looked for")
    wrong = [
        f"{name}: {len(tally.missing)} missing, {len(tally.twice)} twice of {count}"
        for name, tally in tallies.items()
        if not tally.whole
    ]
    assert not wrong, "lines are not accounted for: " + "; ".join(wrong)


def _delay(stack: ComposeStack, logs: Logs, container: Container, limit: Limit) -> float | None:
    """Seconds until a line printed in the container is stored, counted from before the command that prints it."""
    mark, since, began = Mark(), time.time(), time.monotonic()
    printed(stack, container, [mark.line()])
    try:
        until(lambda: _stored(logs, mark, since), limit.value * 2, f"{container.name}: a line is stored")
    except NotReached as error:
        if error.unanswered:
            raise Unverified(f"the log store could not be read: {error}") from error
        return None
    return round(time.monotonic() - began, 3)


def _demand_errors(
    stack: ComposeStack, logs: Logs, containers: Sequence[Container], limit: Limit, evidence: Evidence
) -> None:
    """A line printed where each container's processes print their errors: what a program says last goes there."""
    since, marks, deaf = time.time(), dict[str, Mark](), dict[str, str]()
    for container in containers:
        try:
            printed(stack, container, [marks.setdefault(container.name, Mark()).line()], ERRORS)
        except Unverified as error:  # its processes have closed it, so nothing is lost there
            deaf[container.name] = str(error)
    lost: list[str] = []

    def complete() -> bool:
        text = "\n".join(logs.lines(since - 1))
        lost[:] = [name for name, mark in marks.items() if name not in deaf and mark.word not in text]
        return not lost

    try:
        until(complete, limit.value * 2, "every line printed as an error is stored", every=0.5)
    except NotReached as error:
        if error.unanswered:
            raise Unverified(f"the log store could not be read: {error}") from error
    evidence.observed(len(marks) - len(deaf), "lines printed as errors")
    evidence.value("containers in which no error can be printed", deaf)
    assert not lost, f"a line printed as an error here did not reach the log store: {', '.join(lost)}"


def _stored(logs: Logs, mark: Mark, since: float) -> bool:
    return any(mark.word in line for line in logs.lines(since - 1))


def _await_all(logs: Logs, words: dict[str, str], count: int, since: float, limit: Limit) -> None:
    """Until no line is missing, or the time is up: which then are is for the account to say."""

    def complete() -> bool:
        return not any(tally.missing for tally in account(logs.lines(since - 1), words, count).values())

    try:
        until(complete, limit.value, "every numbered line is stored", every=1)
    except NotReached as error:
        if error.unanswered:
            raise Unverified(f"the log store could not be read: {error}") from error


def _demand_copy(container: Container, mark: Mark, count: int, since: float) -> None:
    last = f"{mark.word} number {count} of {count}"
    try:
        kept = any(last in line for line in engine_lines(container, since - 1))
    except NotKept as error:
        raise AssertionError(f"{error}: nothing is left of its lines while the log store is away") from error
    assert kept, f"{container.service}: the engine kept no copy of the last line that was printed in it"
