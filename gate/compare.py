"""Two runs, or a run and those before it: what became of the checks, what moved beyond noise, and whether that can be said.

Refuses to compare what was not measured alike: another profile, another selection of checks or another machine moves every
number, and then nothing is said of the system.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from gate import noise
from gate.model import Change, Measurement, Outcome, Run
from gate.noise import Shift
from gate.verdict import judged

_HIGHER_IS_WORSE = {"s", "ms", "MiB", "ratio", "cores", "%"}


@dataclass(frozen=True, slots=True)
class Turn:
    """A check whose outcome is another one; None: that run did not have it."""

    check: str
    before: Outcome | None
    now: Outcome | None

    @property
    def worse(self) -> bool:
        """Whether something that was established is so no more."""
        return self.before is Outcome.PASSED and self.now is not Outcome.PASSED


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that two runs differ in. `unlike` says what makes their numbers incomparable."""

    turns: tuple[Turn, ...]
    changes: tuple[Change, ...]
    unlike: tuple[str, ...]


def compare(before: Run, now: Run) -> Comparison:
    """Return what differs between two runs."""
    unlike = tuple(_unlike(before, now))
    changes = tuple(_changes(before, now, comparable=not unlike))
    return Comparison(tuple(_turns(before, now)), changes, unlike)


def since_past(run: Run) -> tuple[Change, ...]:
    """Return what moved since the runs in `run.past`, of measurements that have a limit; what can be said first."""
    found = []
    for check, each in _measurements(run):
        earlier = [past.numbers[key] for past in run.past if (key := name(check, each)) in past.numbers]
        if not earlier or each.limit is None:
            continue
        base = statistics.median(earlier)
        found.append(_change(check, each, base, noise.of_runs(earlier, each.typical), lacking=noise.FEWEST_RUNS))
    return tuple(sorted(found, key=_urgency))


def machine(run: Run) -> str:
    """The kind of machine that a run had, as far as it moves numbers."""
    return f"{run.host.get('cores', '?')} cores, {run.host.get('machine', '?')}"


def name(check: str, measurement: Measurement) -> str:
    """How a measurement is called in a history: another unit makes it another one."""
    return f"{check} {measurement.name} ({measurement.unit})"


def another(before: Run, now: Run) -> tuple[str, ...]:
    """Return what makes two runs those of different systems, loads or machines, so that no number of theirs compares."""
    facts = (
        ("system", before.target.get("name"), now.target.get("name")),
        ("profile", before.profile, now.profile),
        ("machine", machine(before), machine(now)),
        ("release at work", before.target.get("at_work", "not said"), now.target.get("at_work", "not said")),
    )
    return tuple(f"{what}: {one}, then {other}" for what, one, other in facts if one != other)


def _unlike(before: Run, now: Run) -> Iterator[str]:
    yield from another(before, now)
    for what, one, other in (
        ("selection of checks", before.narrowed or "all", now.narrowed or "all"),
        ("end", _end(before), _end(now)),
    ):
        if one != other:
            yield f"{what}: {one}, then {other}"


def _end(run: Run) -> str:
    return "reached" if run.sealed else "cut off"


def _turns(before: Run, now: Run) -> Iterator[Turn]:
    then, since = ({check.id: judged(check) for check in run.checks} for run in (before, now))
    for check in dict.fromkeys([*since, *then]):
        asked = _asked(before, check) and _asked(now, check)
        if asked and then.get(check) is not since.get(check):
            yield Turn(check, then.get(check), since.get(check))


def _asked(run: Run, check: str) -> bool:
    """Whether the run was to have the check: what a narrowed one left out tells nothing."""
    return run.narrowed is None or check in run.expected or any(each.id == check for each in run.checks)


def _changes(before: Run, now: Run, *, comparable: bool) -> Iterator[Change]:
    then = {name(check, each): each for check, each in _measurements(before)}
    found = []
    for check, each in _measurements(now):
        earlier = then.get(name(check, each))
        if earlier is None:
            continue
        shift = noise.of_samples(_samples(earlier), _samples(each))
        if not comparable:
            shift = Shift(shift.by, None, None, shift.n)
        lacking = noise.fewest() if comparable else None
        found.append(_change(check, each, earlier.typical, shift, lacking=lacking))
    yield from sorted(found, key=_urgency)


def _change(check: str, each: Measurement, base: float, shift: Shift, *, lacking: int | None) -> Change:
    higher_is_worse = each.direction == "max" if each.limit is not None else each.unit in _HIGHER_IS_WORSE
    certain, needed = shift.judged(base, higher_is_worse=higher_is_worse)
    if certain == "cannot tell" and shift.low is None:
        needed = lacking
    effect = (each.typical - base) / abs(base) if base else None
    return Change(check, each.name, each.unit, base, each.typical, effect, certain, needed)


def _measurements(run: Run) -> Iterator[tuple[str, Measurement]]:
    for check in run.checks:
        for each in check.measurements:
            if math.isfinite(each.typical) and all(map(math.isfinite, each.samples)):
                yield check.id, each


def _samples(each: Measurement) -> tuple[float, ...]:
    return each.samples or (each.typical,)


def _urgency(change: Change) -> tuple[int, float]:
    order = ("worse", "better", "cannot tell", "not worse")
    return order.index(change.certain), -abs(change.effect or 0.0)
