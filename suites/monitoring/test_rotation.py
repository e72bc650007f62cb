import time

import pytest

from fixtures.clients.docker import Container
from fixtures.clients.logs import Logs, Usage
from fixtures.log_account import account
from fixtures.log_bounds import bound, kept
from fixtures.printing import Mark, printed, shipped
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, pause_until, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

MIB = 1024 * 1024
QUIET_S = 2.5  # of not growing, after which a flood has arrived
STORED_BYTES = 400  # of a short line and the fields that a store adds, about
PORTIONS = 4  # each an eighth of the store, more than a file of it may hold
BETWEEN_S = 2.5  # a store looks at its files by turns, every two seconds at the reference
ROTATION = 1.1  # a line is never cut to fit, and a file is only seen to be full after it is


@check(
    "monitoring.log-limits",
    title="No container can fill the disk with its output: the engine and the log store keep within their bounds",
    why="A service that logs in a loop at night takes the database down with it when the disk is full.",
    fix="Set max-size and max-file for the log driver of each service, and a bound for the log store.",
    needs=("worker",),
    standards=("C62", "CIS Docker 2.13"),
    broken_by=(
        Sabotage(
            id="worker-logs-without-end",
            title="A worker of whose output the engine may keep a terabyte",
            compose={
                "services": {
                    "{worker}": {"logging": {"driver": "json-file", "options": {"max-size": "1000g", "max-file": "1"}}}
                }
            },
            says="may keep",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_log_limits(stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    limit, most_written = limits["monitoring.log_engine_mib"], limits["monitoring.log_flood_mib"].value
    bounds = {container.service: bound(container) for container in stack.containers()}
    evidence.value("MiB that the engine may keep", {name: _mib(size) for name, size in bounds.items()})
    evidence.observed(len(bounds), "containers whose log driver was looked at")
    endless = [
        f"{name}: {_mib(size) or 'without end'}"
        for name, size in bounds.items()
        if size is None or size > limit.value * MIB
    ]
    assert not endless, (
        f"the engine may keep more than {limit.value:g} MiB of a container's output: {'; '.join(endless)}"
    )

    victim = stack.containers("worker")[0]
    usage = _usage(stack, target)
    needed = max(bounds[victim.service] or 0, usage.most if usage else 0) * 1.2 / MIB
    if usage and usage.most / MIB > most_written / 1.2:
        raise Unverified(
            f"the log store may hold {_mib(usage.most)} MiB, more than a flood of {most_written:g} MiB reaches: "
            "set it smaller by a variable in [profiles] env"
        )
    if usage and any(container.id == victim.id for container in shipped(stack)):
        _demand_no_hole(stack, victim, usage, limits["monitoring.log_bound_s"], evidence)
    _flood(stack, victim, min(needed, most_written), limits["monitoring.log_bound_s"], evidence)


def _flood(stack: ComposeStack, victim: Container, mib: float, limit: Limit, evidence: Evidence) -> None:
    """Have one container print as much as it can, watch what is kept, and demand that it comes back within its bounds."""
    evidence.event("flood", f"{victim.service} prints {mib:.0f} MiB")
    evidence.measure("printing", printed(stack, victim, Mark().flood(int(mib * MIB))), "s")
    if stack.target.logs:
        _demand_bound(Logs(stack), limit, evidence)
    allowed, size = bound(victim), kept(victim)
    evidence.value(
        "MiB kept by the engine of the container that floods", {"kept": _mib(size), "may keep": _mib(allowed)}
    )
    evidence.observed(1, "container that flooded")
    if allowed and size is None:
        raise Unverified("the engine's files cannot be seen: run the gate on the engine's host as root")
    assert not allowed or (size or 0) <= allowed * ROTATION, (
        f"the engine keeps {_mib(size)} MiB of {victim.service}'s output and may keep {_mib(allowed)}"
    )


def _demand_bound(logs: Logs, limit: Limit, evidence: Evidence) -> None:
    """Ask what the store takes until it is within its bound and grows no more: some of the flood may still be on its way."""
    began = time.monotonic()
    seen: list[tuple[float, Usage]] = []

    def bounded() -> bool:
        seen.append((time.monotonic() - began, logs.usage()))
        lately = [usage for at, usage in seen if at >= seen[-1][0] - QUIET_S]
        grown = lately[-1].taken - lately[0].taken
        return seen[-1][0] >= QUIET_S and grown < MIB and all(usage.taken <= usage.most for usage in lately)

    try:
        seconds = until(bounded, limit.value, "the log store is within its bound", every=0.3)
    except NotReached as error:
        if error.unanswered:
            raise Unverified(f"the log store's size could not be read: {error}") from error
        last = seen[-1][1]
        raise AssertionError(
            f"the log store takes {_mib(last.taken)} MiB and may take {_mib(last.most)}, {limit.value:g} s after a flood"
        ) from None
    finally:
        evidence.series("log store", "MiB", [(at, usage.taken / MIB) for at, usage in seen])
    evidence.measure("from the flood's end until within the bound", max(0, seconds - QUIET_S), "s", limit)


def _demand_no_hole(stack: ComposeStack, victim: Container, usage: Usage, limit: Limit, evidence: Evidence) -> None:
    """Print so many lines, by portions, that files end and begin meanwhile, and demand that nothing is lost there: what is
    missing may only be what is oldest, and only where room had to be made."""
    logs, mark, count, began = Logs(stack), Mark(), usage.most // 2 // STORED_BYTES, time.time()
    seconds = _by_portions(stack, victim, list(mark.numbered(count)))

    def arrived() -> bool:
        last = f"{mark.word} number {count} of {count}"
        return any(last in line for line in logs.lines(began - 1))

    try:
        until(arrived, limit.value, "the last of the lines is stored", every=0.5)
    except NotReached as error:
        if error.unanswered:
            raise Unverified(f"the log store could not be read: {error}") from error
        raise AssertionError(f"the last of {count} lines that {victim.name} printed is not in the log store") from None
    tally = account(logs.lines(began - 1), {mark.word: victim.name}, count)[victim.name]
    evidence.value(f"numbered lines, printed in {seconds:.1f} s", tally.json())
    evidence.observed(count - len(tally.missing), "numbered lines across files of the log store")
    had_room = usage.taken + count * STORED_BYTES <= usage.most
    lost, why = (tally.missing, "there was room for them") if had_room else (tally.holes, "older ones are kept")
    assert not lost, (
        f"{len(lost)} of {count} lines that {victim.name} printed are lost although {why}, such as number {lost[0]}"
    )


def _by_portions(stack: ComposeStack, victim: Container, lines: list[str]) -> float:
    """Print the lines with pauses; the seconds of printing. At once all would be in one file, which ends after the last."""
    size, seconds = len(lines) // PORTIONS + 1, 0.0
    for first in range(0, len(lines), size):
        if first:
            pause_until(time.monotonic() + BETWEEN_S)
        seconds += printed(stack, victim, lines[first : first + size])
    return seconds


def _usage(stack: ComposeStack, target: Target) -> Usage | None:
    if target.logs is None:
        return None
    if not target.logs.usage:
        raise Unverified("how much the log store takes and may take is not known: readiness.toml [logs] usage")
    return Logs(stack).usage()


def _mib(size: int | None) -> float | None:
    return None if size is None else round(size / MIB, 1)
