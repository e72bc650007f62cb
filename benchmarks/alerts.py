"""Brings every fault about repeatedly on a stack of its own and prints how long its alert took: python -m benchmarks.alerts

For comparison between versions of the project and between machines; a verdict comes from `readygate run`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from benchmarks.command import common, run
from benchmarks.machine import at_least, commit, demand_folder, keep, load_now, own_stack, spread, terminated_cleanly
from fixtures.alarms.chain import Chain
from fixtures.alarms.sighting import Sighting
from fixtures.clients.api import Api
from fixtures.clients.docker import Engine
from fixtures.clients.prometheus import Prometheus
from fixtures.receiver import listening
from fixtures.wait import Unreachable
from gate.alerts import FAULTS, AlertsTable
from gate.check import Unverified
from gate.console import Out
from gate.errors import UsageError
from gate.model import Json
from gate.status import ExitStatus
from gate.target import Target, load
from gate.toml_error import unknown

HOPS = ("rule", "firing", "taken", "received")
# What Prometheus itself costs, as it says.
COSTS = {
    "cores": "sum(rate(process_cpu_seconds_total[1m]) and on (instance) prometheus_build_info)",
    "memory_mib": "sum(process_resident_memory_bytes and on (instance) prometheus_build_info) / 1048576",
    "samples_per_s": "sum(rate(prometheus_tsdb_head_samples_appended_total[1m]))",
    "series": "sum(prometheus_tsdb_head_series)",
}


@dataclass
class Findings:
    """What was seen of each fault; `problems`: a sentence for each that was not told of."""

    repeats: int
    seen: dict[str, list[Sighting]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    costs: dict[str, float] = field(default_factory=dict)
    load_before: float = field(default_factory=load_now)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = common("alerts", __doc__)
    top.add_argument("--repeats", type=at_least(1), default=10, metavar="N", help="default: 10")
    top.add_argument("--fault", action="append", metavar="FAULT", help="only this one (repeatable)")
    return top


def main(arguments: Sequence[str]) -> int:
    """Parse, run, print. 0: every fault was told of; 1: one was not; others as `readygate` has them."""
    return run(parser(), benchmark, arguments)


def benchmark(options: argparse.Namespace, say: Callable[[str], None]) -> ExitStatus:
    """Stand a stack up, repeat, take it down, and show what was found, also when it is cut off.

    Raises UsageError, CouldNotRunError.
    """
    target = load(options.target, options.profile)
    if target.alerts is None or target.metrics is None:
        raise UsageError(f"{options.target} has no [alerts] or no [metrics]: there is nobody to be told")
    known = (*FAULTS, *target.alerts.own)
    if wrong := [fault for fault in options.fault or () if fault not in known]:
        raise UsageError(f"--fault: {'; '.join(unknown('fault', fault, known) for fault in wrong)}")
    demand_folder(options.json)
    target.demand_files()
    findings = Findings(options.repeats)
    try:
        _measure(options, target, target.alerts, findings, say)
    finally:
        if findings.seen:
            _show(findings, target, options.json)
    return ExitStatus.NO_GO if findings.problems else ExitStatus.GO


def _measure(
    options: argparse.Namespace,
    target: Target,
    table: AlertsTable,
    findings: Findings,
    say: Callable[[str], None],
) -> None:
    with terminated_cleanly(), listening(Engine()) as receiver:
        told = {variable: receiver.url(name) for name, variable in table.receivers.items()}
        with own_stack(target, "alerts", say, told) as stack:
            api = Api(stack)
            limits = dict(target.limits)
            limits["monitoring.alert_repeats"] = replace(limits["monitoring.alert_repeats"], value=options.repeats)
            _repeat(Chain(stack, receiver, api, limits), options.fault or (*FAULTS, *table.own), findings, say)
            findings.costs = _costs(Prometheus(stack))
            api.close()


def _show(findings: Findings, target: Target, file: Path | None) -> None:
    found = figures(findings, target)
    keep(found, file)
    out = Out()
    for table in tables(found):
        out.print(table)
    for sentence in findings.problems:
        out.print(f"✕ {sentence}", highlight=False, markup=False)


def _repeat(chain: Chain, faults: Sequence[str], findings: Findings, say: Callable[[str], None]) -> None:
    for fault in faults:
        if not chain.possible(fault):
            continue
        try:
            seen = chain.sightings(fault)
        except (AssertionError, Unverified, Unreachable) as error:
            findings.problems.append(f"{fault}: {error}")
        else:
            say(f"{fault}: {max(s.seconds for s in seen):.1f} s at worst until {seen[0].receiver} had {seen[0].alert}")
        findings.seen[fault] = chain.seen.get(fault, [])


def _costs(prometheus: Prometheus) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, query in COSTS.items():
        with suppress(Unreachable):
            found.update((name, round(sample.value, 3)) for sample in prometheus.query(query))
    return found


def figures(findings: Findings, target: Target) -> dict[str, Json]:
    """Everything as JSON; times in seconds."""
    return {
        "version": version("readygate"),
        "commit": commit(),
        "target": target.name,
        "profile": target.profile,
        "asked": {"repeats": findings.repeats},
        "machine": {"cores": os.cpu_count(), "load_before": findings.load_before, "load_after": load_now()},
        "faults": {fault: _figures(seen) for fault, seen in findings.seen.items()},
        "metrics": findings.costs,
        "problems": [*findings.problems],
    }


def _figures(seen: Sequence[Sighting]) -> dict[str, Json]:
    hops: dict[str, Json] = {hop: spread(sighting.hops.get(hop) for sighting in seen) for hop in HOPS}
    alerts = sorted({f"{sighting.alert} → {sighting.receiver}" for sighting in seen})
    also = sorted({alert for sighting in seen for alert in sighting.also})
    return {**hops, "resolved": spread(s.resolved_s for s in seen), "alerts": [*alerts], "also": [*also]}


def tables(found: dict[str, Json]) -> Iterator[Table]:
    """The figures for a terminal."""
    columns = ("n", "its rule saw it", "fired", "receiver had it", "worst s", "end told")
    times = Table("fault", "alert", *columns, title="From the fault to the receiver, median s")
    for fault, told in found["faults"].items():
        shown = [_median(told[key]) for key in ("rule", "firing", "received")]
        worst = f"{told['received']['worst']:.2f}" if "worst" in told["received"] else "–"
        alert = ", ".join(told["alerts"]) or "–"
        times.add_row(fault, alert, str(told["received"]["n"]), *shown, worst, _median(told["resolved"]))
    yield times
    counts = Table("", "", show_header=False)
    for name in ("asked", "machine", "metrics"):
        counts.add_row(name, ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in found[name].items()) or "–")
    counts.add_row("version", f"{found['version']} ({found['commit'] or 'no checkout'})")
    yield counts


def _median(figures: dict[str, Json]) -> str:
    return f"{figures['median']:.2f}" if "median" in figures else "–"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
