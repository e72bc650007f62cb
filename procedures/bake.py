"""Watches a new release under traffic: by what Prometheus counted of it, and by a few reads of our own."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace

from procedures.commands import other
from procedures.refusal import StepFailed
from procedures.shell import CommandFailed
from procedures.system import System
from procedures.traffic import reader
from procedures.waiting import pause
from procedures.window import Counters, Judgement, judge

# Since the process of a colour began; a change always begins a new one, so nothing older is in it.
QUERY = (
    'sum by (colour, status) (docjobs_http_requests_total{route=~"/v1/.*"})'
    ' or sum by (colour, le) (docjobs_http_request_duration_seconds_bucket{route=~"/v1/.*"})'
)
_LOOK_EVERY_S = 3.0
_SCRAPE_S = 3.0  # what was counted last is known one scrape later
_FAILED_READS = 5


def watch(system: System, colour: str) -> Judgement:
    """Judge the release on `colour` for the bake time, or until it is bad."""
    bake_s, rate = system.settings.bake_s, system.settings.bake_reads_per_s
    if not bake_s:
        return Judgement("not judged", "no bake time")
    own, why_none = reader(system) if rate else (None, "none wanted")
    began = time.monotonic()
    looked, judgement = began, Judgement("not judged", "not looked yet")
    while (seconds := time.monotonic() - began) < bake_s + _SCRAPE_S and judgement.verdict != "bad":
        if own and seconds < bake_s:
            own.read()
            if own.failed >= _FAILED_READS and own.failed > system.settings.error_share * own.sent:
                return Judgement("bad", f"{own.failed} of {own.sent} reads of our own failed", own.sent, own.failed)
        if time.monotonic() - looked >= _LOOK_EVERY_S:
            judgement, looked = look(system, colour), time.monotonic()
            if seconds >= bake_s and judgement.verdict == "good" and judgement.requests >= (own.sent if own else 0):
                break
        pause(1 / rate if own and seconds < bake_s else system.settings.poll_s)
    return judgement if own else replace(judgement, reason=f"{judgement.reason} (no reads of our own: {why_none})")


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
