"""Whether two sets of numbers differ by more than noise. Pure arithmetic; says "cannot tell" where samples do not suffice.

Two questions, two answers:

- samples against samples (Hodges and Lehmann): the shift is bracketed by pairwise differences, as many from either end as
  Mann and Whitney's exact distribution allows. No assumption about the shape of the numbers.
- one new run against earlier runs: Student's prediction interval from how much those differ among themselves. Samples inside
  one run say nothing about how runs differ, so no number of them replaces earlier runs.

The confidence is 99.75 %: of sixty measurements compared, one in seven comparisons holds one false alarm.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from gate.model import Certain

ERROR = 0.0025  # two-sided
MARGIN = 0.10  # of the value before: a move that is smaller matters to nobody
FEWEST_RUNS = 4  # with fewer, the spread of runs is a guess
# Student's t, two-sided, for ERROR, by degrees of freedom from 1; tests/gate/test_noise.py integrates it anew.
_T = (254.647, 19.962, 9.465, 6.758, 5.604, 4.981, 4.595, 4.334, 4.146, 4.005, 3.895, 3.807, 3.735, 3.675, 3.624)
_FLOOR = 0.02  # of the value: runs that agree better than this agree by luck
_MANY = 10_000  # more samples than this are no advice


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the numbers moved, what that may be at least and at most (None: it cannot be bracketed), and from how many."""

    by: float
    low: float | None
    high: float | None
    n: int

    def judged(self, base: float, *, higher_is_worse: bool, share: float = MARGIN) -> tuple[Certain, int | None]:
        """What the move is, against a margin (`share`) of the value before, and how many samples an answer needs."""
        if self.low is None or self.high is None:
            return "cannot tell", None
        margin = share * abs(base)
        by, low, high = (self.by, self.low, self.high) if higher_is_worse else (-self.by, -self.high, -self.low)
        if low > 0 and by >= margin:
            return "worse", None
        if high < 0 and by <= -margin:
            return "better", None
        if high < margin or (high == 0 and margin == 0):
            return "not worse", None
        return "cannot tell", self._needed((high - low) / 2, max(abs(by - margin), margin / 4))

    def _needed(self, half: float, gap: float) -> int | None:
        """How many samples would shrink the bracket to the gap: its width falls with their square root."""
        needed = self.n * (half / gap) ** 2 if gap else math.inf
        return max(self.n + 1, math.ceil(needed)) if needed <= _MANY else None


def of_samples(before: Sequence[float], now: Sequence[float]) -> Shift:
    """Return the shift from one set of samples to the other. Neither may be empty."""
    differences = sorted(after - earlier for after in now for earlier in before)
    by = statistics.median(differences)
    n = min(len(before), len(now))
    trim = _trimmed(*sorted((len(before), len(now))))
    if trim == 0:
        return Shift(by, None, None, n)
    return Shift(by, differences[trim - 1], differences[-trim], n)


def of_runs(before: Sequence[float], now: float) -> Shift:
    """Return the shift from earlier runs to this one; not bracketed with fewer than four of them."""
    mean, count = statistics.fmean(before), len(before)
    if count < FEWEST_RUNS:
        return Shift(now - mean, None, None, count)
    spread = max(statistics.stdev(before), _FLOOR * abs(mean))
    half = _T[min(count - 1, len(_T)) - 1] * spread * math.sqrt(1 + 1 / count)
    return Shift(now - mean, now - mean - half, now - mean + half, count)


@cache
def fewest() -> int:
    """How many samples on either side it takes before anything can be said."""
    return next(n for n in range(1, 100) if _trimmed(n, n))


@cache
def _trimmed(fewer: int, more: int) -> int:
    """How many of the sorted pairwise differences lie outside the bracket at either end; 0: none may, so there is none."""
    ways = _ways(fewer, more)
    allowed = ERROR / 2 * math.comb(fewer + more, fewer)
    total = count = 0
    for number in ways:
        total += number
        if total > allowed:
            break
        count += 1
    return count


def _ways(fewer: int, more: int) -> list[int]:
    """In how many orders of the samples Mann and Whitney's U is 0, 1, 2, … (the Gaussian binomial coefficients)."""
    top = fewer * more
    ways = [1] + [0] * top
    for step in range(1, fewer + 1):
        for at in range(top, more + step - 1, -1):
            ways[at] -= ways[at - more - step]
        for at in range(step, top + 1):
            ways[at] += ways[at - step]
    return ways
