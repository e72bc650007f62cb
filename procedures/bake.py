"""Watches a new release under traffic: by what Prometheus counted of it, and by reads of our own."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from procedures.refusal import StepFailed
from procedures.shell import CommandFailed
from procedures.system import System
from procedures.traffic import Reads, judged
from procedures.waiting import pause
from procedures.window import Counters, Judgement, judge

_ROUTES = 'route=~"/v1/.*"'
# Of the new release: since its process began. A change always begins a new one, so nothing older is in it.
QUERY = (
    f"sum by (colour, status) (docjobs_http_requests_total{{{_ROUTES}}})"
    f" or sum by (colour, le) (docjobs_http_request_duration_seconds_bucket{{{_ROUTES}}})"
)
# Of the old one: what it needed lately, on the machine as it is now.
LATELY = f"sum by (colour, le) (increase(docjobs_http_request_duration_seconds_bucket{{{_ROUTES}}}[30s]))"
_LOOK_EVERY_S = 1.5
_SCRAPE_S = 3.0  # what was counted last is known a scrape later


@dataclass(frozen=True, slots=True)
class Watch:
    """The new colour under traffic since `since` (time.monotonic()), beside what the old one needed before."""

    system: System
    colour: str
    old: Counters
    reads: Reads | None
    since: float
    query: str = QUERY

    def judgement(self) -> Judgement:
        """Judge for the bake time, ending at once when it is bad."""
        bake_s = self.system.settings.bake_s
        if not bake_s:
            return Judgement("not judged", "no bake time")
        judgement = self._until_bad(bake_s)
        if self.reads:
            self.reads.end()
        if judgement.verdict == "not judged":
            judgement = self._until_bad(_SCRAPE_S)
        return self.now(tail=True) if judgement.verdict == "good" else judgement

    def now(self, *, tail: bool = False) -> Judgement:
        """Judge by what is known at this moment."""
        own = judged(self.reads.done[:] if self.reads else (), self.system.settings, since=self.since)
        return own if own.verdict == "bad" else self._look(tail=tail)

    def _until_bad(self, seconds: float) -> Judgement:
        end = time.monotonic() + seconds
        while True:
            judgement = self.now()
            left = end - time.monotonic()
            if judgement.verdict == "bad" or left <= 0:
                return judgement
            pause(min(left, _LOOK_EVERY_S))

    def _look(self, *, tail: bool) -> Judgement:
        try:
            counted = counters(_asked(self.system, self.query))
        except (CommandFailed, StepFailed) as error:
            return Judgement("not judged", " ".join(str(error).split()))
        return judge(counted.get(self.colour, Counters()), self.old, self.system.settings, tail=tail)


def query_of(addresses: Iterable[str]) -> str:
    """QUERY for the containers at these addresses only, where the release before runs in the same colour."""
    return QUERY.replace(_ROUTES, f'{_ROUTES},instance=~"({"|".join(addresses)}):.*"')


def lately(system: System, colour: str) -> Counters:
    """What a colour answered in the last half minute; nothing where that is not known."""
    if not system.settings.bake_s:
        return Counters()
    try:
        return counters(_asked(system, LATELY)).get(colour, Counters())
    except (CommandFailed, StepFailed):
        return Counters()


def counters(answer: str) -> dict[str, Counters]:
    """The counters of each colour from promtool's JSON. StepFailed when it is none."""
    found: dict[str, Counters] = {}
    try:
        for sample in json.loads(answer):
            labels, value = sample["metric"], float(sample["value"][1])
            before = found.get(labels["colour"], Counters())
            if "le" in labels:
                bound = math.inf if labels["le"] == "+Inf" else float(labels["le"])
                now = replace(before, within=(*before.within, (bound, value)))
            else:
                failed = value if labels["status"].startswith("5") else 0.0
                now = replace(before, requests=before.requests + value, errors=before.errors + failed)
            found[labels["colour"]] = now
    except (ValueError, KeyError, TypeError, IndexError):
        raise StepFailed(f"Prometheus answered {answer[:120]!r}") from None
    return found


def _asked(system: System, query: str) -> str:
    return system.do(system.compose.query(query), "Prometheus does not answer").stdout
