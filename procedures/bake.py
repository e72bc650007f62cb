"""Watches a new release under traffic: by what Prometheus counted of it, and by reads of our own."""

from __future__ import annotations

import json
import math
import time
from contextlib import nullcontext
from dataclasses import replace

from procedures.commands import other
from procedures.refusal import StepFailed
from procedures.shell import CommandFailed
from procedures.system import System
from procedures.traffic import Door, Reads
from procedures.waiting import pause
from procedures.window import Counters, Judgement, judge

# Since the process of a colour began; a change always begins a new one, so nothing older is in it.
QUERY = (
    'sum by (colour, status) (docjobs_http_requests_total{route=~"/v1/.*"})'
    ' or sum by (colour, le) (docjobs_http_request_duration_seconds_bucket{route=~"/v1/.*"})'
)
_LOOK_EVERY_S = 1.5
_SCRAPE_S = 3.0  # what was counted last is known a scrape later


def watch(system: System, colour: str) -> Judgement:
    """Judge the release on `colour` for the bake time, ending at once when it is bad."""
    if not system.settings.bake_s:
        return Judgement("not judged", "no bake time")
    reads, why_none = _reads(system)
    with reads or nullcontext():
        judgement = _until_bad(system, colour, reads, system.settings.bake_s)
        if reads:
            reads.end()
        if judgement.verdict == "not judged":
            judgement = _until_bad(system, colour, reads, _SCRAPE_S)
    return judgement if reads else replace(judgement, reason=f"{judgement.reason} (no reads of our own: {why_none})")


def look(system: System, colour: str) -> Judgement:
    """Judge by what Prometheus has now; what it cannot say is `not judged`, with the reason."""
    try:
        counted = counters(system.do(system.compose.query(QUERY), "Prometheus does not answer").stdout)
    except (CommandFailed, StepFailed) as error:
        return Judgement("not judged", " ".join(str(error).split()))
    old = counted.get(other(colour), Counters())
    old_p95 = old.p95_ms() if old.requests >= system.settings.minimum_requests else None
    return judge(counted.get(colour, Counters()), old_p95, system.settings)


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


def _until_bad(system: System, colour: str, reads: Reads | None, seconds: float) -> Judgement:
    end = time.monotonic() + seconds
    while True:
        if reads and (own := reads.judgement(system.settings)).verdict == "bad":
            return own
        judgement = look(system, colour)
        left = end - time.monotonic()
        if judgement.verdict == "bad" or left <= 0:
            return judgement
        pause(min(left, _LOOK_EVERY_S))


def _reads(system: System) -> tuple[Reads | None, str]:
    if not system.settings.bake_reads_per_s:
        return None, "none wanted"
    try:
        return Reads(Door.of(system), system.settings.bake_reads_per_s), ""
    except (CommandFailed, OSError, ValueError) as error:
        return None, " ".join(str(error).split())
