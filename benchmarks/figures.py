"""What the repeats of a benchmark come to: findings in, figures and tables out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version

from rich.table import Table

from benchmarks.machine import commit, load_now, spread
from fixtures.ledger import Reconciliation
from fixtures.release import Released
from fixtures.switching import Switch
from gate.model import Json
from gate.target import Target


@dataclass
class Findings:
    """What was asked for, and what was found so far. `problems`: a sentence each; without any, nothing failed."""

    per_second: int
    jobs: int
    repeats: int
    switches: list[Switch] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    account: Reconciliation | None = None
    load_before: float = field(default_factory=load_now)

    @property
    def sent(self) -> int:
        return sum(switch.stream.sent for switch in self.switches)

    @property
    def failed(self) -> int:
        return sum(len(switch.stream.failed) for switch in self.switches)

    def at(self, moment: float) -> str:
        """Which repeat a moment of CLOCK_MONOTONIC falls in, and where in it."""
        begun = [(n, switch) for n, switch in enumerate(self.switches, 1) if moment >= switch.deployment[0]]
        return f"repeat {begun[-1][0]}, {begun[-1][1].at(moment)}" if begun else "before the first deployment"

    def reconciled(self, account: Reconciliation) -> None:
        """Take the ledger's account, and say in `problems` what failed."""
        self.account = account
        if self.failed:
            self.problems.append(f"{self.failed} of {self.sent} requests failed")
        if account.lost or account.duplicated or account.succeeded != account.acknowledged:
            self.problems.append(f"not every job was done once: {account}")


def figures(findings: Findings, target: Target) -> dict[str, Json]:
    """Everything as JSON; times in seconds."""
    switches = findings.switches
    return {
        "version": version("readygate"),
        "commit": commit(),
        "target": target.name,
        "profile": target.profile,
        "releases": dict(target.releases),
        "asked": {"repeats": findings.repeats, "per_second": findings.per_second, "jobs": findings.jobs},
        "machine": {"cores": os.cpu_count(), "load_before": findings.load_before, "load_after": load_now()},
        "deployment": _phases(switch.deployed for switch in switches),
        "rollback": _phases(switch.rolled_back for switch in switches),
        "switched_s": spread(s.switched_s for s in switches),
        "alone_s": spread(s.alone_s for s in switches),
        "both_seen": sum(switch.both_seen for switch in switches),
        "requests": {"sent": findings.sent, "failed": findings.failed},
        "slowest_request_s": spread(max(r.seconds for r in s.stream.requests) for s in switches),
        "generator_cpu": spread(switch.stream.cpu for switch in switches),
        "jobs": findings.account.json() if findings.account else None,
        "failures": findings.failures,
        "problems": [*findings.problems],
    }


def _phases(commands: Iterable[Released]) -> dict[str, Json]:
    done = list(commands)
    names = dict.fromkeys(name for command in done for name in command.phases)
    spreads: dict[str, Json] = {name: spread(command.phases.get(name) for command in done) for name in names}
    return {**spreads, "in all": spread(command.seconds for command in done)}


def tables(found: dict[str, Json]) -> Iterator[Table]:
    """The figures for a terminal: times by phase, then counts."""
    times = Table("", "phase", "n", "median s", "worst s", title="Deployment and rollback under traffic")
    for kind in ("deployment", "rollback"):
        for name, figure in _items(found[kind]):
            _row(times, kind, name, figure)
    _row(times, "deployment", "old release answered last", found["switched_s"])
    _row(times, "rollback", "decided → old release alone", found["alone_s"])
    _row(times, "", "slowest request", found["slowest_request_s"])
    yield times
    counts = Table("", "", show_header=False)
    for name in ("asked", "requests", "jobs", "machine"):
        said = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in _items(found[name]) if _plain(value))
        counts.add_row(name, said or "–")
    cpu = found["generator_cpu"]
    worst = cpu.get("worst") if isinstance(cpu, dict) else None
    counts.add_row("generator", f"{worst:.0%} of one core at worst" if isinstance(worst, float) else "–")
    counts.add_row("version", f"{found['version']} ({found['commit'] or 'no checkout'})")
    yield counts


def _row(table: Table, kind: str, name: str, spread: Json) -> None:
    if isinstance(spread, dict):
        shown = [f"{spread[key]:.2f}" if key in spread else "–" for key in ("median", "worst")]
        table.add_row(kind, name, str(spread["n"]), *shown)


def _items(value: Json) -> list[tuple[str, Json]]:
    return list(value.items()) if isinstance(value, dict) else []


def _plain(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
