"""What a release has answered since it began, and whether that is good. Pure: no clock, no commands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from procedures.settings import Settings

Verdict = Literal["good", "bad", "not judged"]


@dataclass(frozen=True, slots=True)
class Counters:
    """Requests answered since the process began, how many of them with 5xx, and how many within each bound (seconds)."""

    requests: float = 0.0
    errors: float = 0.0
    within: tuple[tuple[float, float], ...] = ()

    def since(self, earlier: Counters) -> Counters:
        """What came after `earlier`. Never less than nothing: counters that began anew have nothing to take away."""
        before = dict(earlier.within)
        return Counters(
            max(0.0, self.requests - earlier.requests),
            max(0.0, self.errors - earlier.errors),
            tuple((bound, max(0.0, count - before.get(bound, 0.0))) for bound, count in self.within),
        )

    def within_ms(self, share: float) -> float | None:
        """The time within which `share` of the requests were answered, interpolated in its bucket; None without any."""
        buckets = sorted(self.within)
        total = buckets[-1][1] if buckets else 0.0
        if total <= 0:
            return None
        lower, below = 0.0, 0.0
        for bound, count in buckets:
            if count >= share * total:
                # Beyond the last finite bound nothing is known but that it took longer.
                upper = lower if math.isinf(bound) else bound
                share = (share * total - below) / (count - below) if count > below else 1.0
                return 1000 * (lower + (upper - lower) * share)
            lower, below = bound, count
        return 1000 * lower


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of a release under traffic. `not judged` is neither good nor bad: evidence is missing."""

    verdict: Verdict
    reason: str
    requests: int = 0
    errors: int = 0
    p95_ms: float | None = None

    def record(self) -> dict[str, Any]:
        """As kept in the audit log."""
        p95 = None if self.p95_ms is None else round(self.p95_ms, 1)
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "requests": self.requests,
            "errors": self.errors,
            "p95_ms": p95,
        }


def judge(window: Counters, old: Counters, settings: Settings, *, tail: bool) -> Judgement:
    """Judge what a new release answered beside what the `old` one answered lately.

    A slower release is slow for most requests, a busy machine only for some: the median may condemn at any moment, the
    `tail` (the slowest twentieth) only over the whole bake time.
    """
    requests, errors = round(window.requests), round(window.errors)
    median, p95 = window.within_ms(0.5), window.within_ms(0.95)

    def judged(verdict: Verdict, reason: str) -> Judgement:
        return Judgement(verdict, reason, requests, errors, p95)

    if requests < settings.minimum_requests or median is None or p95 is None:
        return judged(
            "not judged", f"not enough traffic to judge: {requests} requests of {settings.minimum_requests:g}"
        )
    if errors / requests > settings.error_share:
        return judged("bad", f"{errors} of {requests} requests failed, more than {settings.error_share:.1%}")
    old_median, old_p95 = old.within_ms(0.5) or 0.0, old.within_ms(0.95) or 0.0
    limit = max(settings.median_floor_ms, settings.median_ratio * old_median)
    if median > limit:
        return judged("bad", f"half of {requests} requests took {median:.0f} ms or longer, more than {limit:.0f} ms")
    limit = max(settings.p95_floor_ms, settings.p95_ratio * old_p95)
    if tail and p95 > limit:
        return judged("bad", f"5 % of {requests} requests took {p95:.0f} ms or longer, more than {limit:.0f} ms")
    return judged(
        "good", f"{errors} of {requests} requests failed, half within {median:.0f} ms, 95 % within {p95:.0f} ms"
    )
