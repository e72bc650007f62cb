"""Watches a new release under traffic: by what Prometheus counted of it, and by reads of our own."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from procedures.refusal import StepFailed
from procedures.shell import CommandFailed
from procedures.system import System
from procedures.traffic import Reads, judged
from procedures.waiting import pause
from procedures.window import Counters, Judgement, judge

NAMES = ("docjobs_http_requests_total", "docjobs_http_request_duration_seconds_bucket")
_ROUTES = 'route=~"/v1/.*"'
# Of the new release: since its process began. A change always begins a new one, so nothing older is in it.
QUERY = f"sum by (colour, status) ({NAMES[0]}{{{_ROUTES}}}) or sum by (colour, le) ({NAMES[1]}{{{_ROUTES}}})"
# Of the old one: what it needed lately, on the machine as it is now.
LATELY = f"sum by (colour, le) (increase({NAMES[1]}{{{_ROUTES}}}[30s]))"
_EXPOSED = re.compile(r"(?P<name>\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_LOOK_EVERY_S = 1.5
# How much longer a bake waits for evidence. A read is answered, or has failed, within 5 s: even on a machine so busy that
# every one takes that long, eight clients bring thirty in 19 s. A scrape, one second, fits in as well.
EXTENSION_S = 20.0


@dataclass(frozen=True, slots=True)
class Watch:
    """The new colour under traffic since `since` (time.monotonic()), beside what the old one needed before.

    `rehearsed` is what the new one had counted before the switch; None where that is not known.
    """

    system: System
    colour: str
    old: Counters
    reads: Reads | None
    since: float
    rehearsed: Counters | None = field(default_factory=Counters)
    query: str = QUERY

    def judgement(self) -> Judgement:
        """Judge for the bake time, ending at once when it is bad, and longer while there is not enough to judge by."""
        bake_s = self.system.settings.bake_s
        if not bake_s:
            return Judgement("not judged", "no bake time")
        judgement = self._until({"bad"}, bake_s)
        if judgement.verdict == "not judged":
            judgement = self._until({"bad", "good"}, EXTENSION_S)
        if self.reads:
            self.reads.end()
        return self.now(tail=True) if judgement.verdict == "good" else judgement

    def now(self, *, tail: bool = False) -> Judgement:
        """Judge by what is known now: bad when either witness says so, good when one does and the other is silent."""
        own = judged(self.reads.done[:] if self.reads else (), self.system.settings, since=self.since)
        if own.verdict == "bad":
            return own
        counted = self._look(tail=tail)
        if counted.verdict != "not judged":
            return counted
        return replace(own, reason=f"{own.reason}; Prometheus: {counted.reason}")

    def _until(self, verdicts: Container[str], seconds: float) -> Judgement:
        end = time.monotonic() + seconds
        while True:
            judgement = self.now()
            left = end - time.monotonic()
            if judgement.verdict in verdicts or left <= 0:
                return judgement
            pause(min(left, _LOOK_EVERY_S))

    def _look(self, *, tail: bool) -> Judgement:
        try:
            counted = counters(_asked(self.system, self.query))
        except (CommandFailed, StepFailed) as error:
            return Judgement("not judged", " ".join(str(error).split()))
        if self.rehearsed is None:
            return Judgement("not judged", f"{self.colour} did not say what it had counted before the switch")
        window = counted.get(self.colour, Counters()).since(self.rehearsed)
        return judge(window, self.old, self.system.settings, tail=tail)


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
            found[labels["colour"]] = _with(found.get(labels["colour"], Counters()), labels, value)
    except (ValueError, KeyError, TypeError, IndexError):
        raise StepFailed(f"Prometheus answered {answer[:120]!r}") from None
    return found


def counted(lines: Sequence[str]) -> Counters:
    """The counters in lines of the API's own exposition. Raises KeyError or ValueError when one is none."""
    found = Counters()
    for line in lines:
        exposed = _EXPOSED.match(line)
        if not exposed or exposed["name"] not in NAMES:
            continue
        labels = dict(_LABEL.findall(exposed["labels"]))
        if labels["route"].startswith("/v1/"):
            found = _with(found, labels, float(exposed["value"]))
    return found


def _with(before: Counters, labels: Mapping[str, str], value: float) -> Counters:
    if "le" in labels:
        bound = math.inf if labels["le"] == "+Inf" else float(labels["le"])
        within = dict(before.within)
        return replace(before, within=tuple((within | {bound: within.get(bound, 0.0) + value}).items()))
    failed = value if labels["status"].startswith("5") else 0.0
    return replace(before, requests=before.requests + value, errors=before.errors + failed)


def _asked(system: System, query: str) -> str:
    return system.do(system.compose.query(query), "Prometheus does not answer").stdout
