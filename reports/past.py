"""What earlier runs say about this one: how a number went, since when a check has not passed, what was decided before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gate.compare import name
from gate.model import Measurement, Run
from gate.text import flat
from reports.number import duration, number, quantity


@dataclass(frozen=True, slots=True)
class Trend:
    """A number in earlier runs, oldest first; `values` and `limits` hold one for each run, `limits` None where it had none."""

    unit: str
    runs: tuple[str, ...]
    started: tuple[str, ...]
    values: tuple[float, ...]
    limits: tuple[float | None, ...]

    @property
    def words(self) -> str:
        """The trend for whoever does not see it."""
        return ", ".join(quantity(number(value), self.unit) for value in self.values)


def trend(run: Run, check: str, measurement: Measurement) -> Trend | None:
    """Return how the typical value went, this run's last; None where no earlier run has it."""
    key = name(check, measurement)
    earlier = [past for past in run.past if key in past.numbers]
    if not earlier:
        return None
    return Trend(
        measurement.unit,
        (*(past.id for past in earlier), run.id),
        (*(past.started for past in earlier), run.started),
        (*(past.numbers[key] for past in earlier), measurement.typical),
        (*(past.limits.get(key) for past in earlier), measurement.limit),
    )


def since(run: Run, check: str) -> str:
    """Return since when a check that did not pass has not passed; empty without earlier runs."""
    if not run.past:
        return ""
    streak = 0
    for past in reversed(run.past):
        if check not in past.not_passed:
            break
        streak += 1
    if streak == 0:
        return "new in this run"
    often = sum(check in past.not_passed for past in run.past)
    if streak == len(run.past):
        return f"not passed in any of the {streak + 1} runs known"
    return (
        f"not passed for {streak + 1} runs"
        if streak == often
        else f"not passed in {often} of {len(run.past)} runs before"
    )


def last(run: Run) -> str:
    """Return the sentence about the run before this one; empty when there is none to compare with."""
    if not run.past:
        return ""
    before = run.past[-1]
    age = _age(before.started, run.started)
    return f"Last run{f' of {flat(before.release)}' if before.release else ''}{age}: {flat(before.decision)}."


def turned(run: Run, not_passed: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the checks that passed in the last run and do not now, and the reverse."""
    if not run.past:
        return (), ()
    have = {check.id for check in run.checks}
    before = set(run.past[-1].not_passed)
    return tuple(sorted(not_passed - before)), tuple(sorted((before & have) - not_passed))


def rows(found: Trend) -> Iterator[tuple[str, str, str, str]]:
    """Yield run, day, value and limit of a trend, newest first."""
    for run, started, value, limit in zip(
        reversed(found.runs), reversed(found.started), reversed(found.values), reversed(found.limits), strict=True
    ):
        bound = "none" if limit is None else quantity(number(limit), found.unit)
        yield run, started[:16].replace("T", " "), quantity(number(value), found.unit), bound


def _age(then: str, now: str) -> str:
    try:
        seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
    except (ValueError, TypeError):
        return ""
    for length, unit in ((86_400, "days"), (3_600, "hours")):
        if seconds >= 2 * length:
            return f", {round(seconds / length)} {unit} before"
    return f", {duration(round(seconds))} before"
