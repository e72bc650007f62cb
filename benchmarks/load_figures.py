"""What a benchmark of load comes to: findings in, figures and tables out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version

from rich.table import Table

from benchmarks.machine import commit, load_now
from fixtures.campaign import Seen
from gate.model import Json
from gate.target import Target


@dataclass
class Findings:
    """What was found so far, by part. `problems`: a sentence each; without any, every job was done once."""

    parts: dict[str, Json] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    load_before: float = field(default_factory=load_now)

    def add(self, part: str, found: dict[str, Json], say: Callable[[str], None]) -> None:
        """Take a part in."""
        self.parts[part] = {**found, "load of the machine": load_now()}
        say(f"{part}: done")

    def accounted(self, seen: Seen) -> None:
        """Say in `problems` what became of a load's jobs, where not each was done once."""
        try:
            seen.account.demand_done()
        except AssertionError as error:
            self.problems.append(f"{seen.result.users} jobs at once: {error}")
        if seen.void:
            self.problems.append(seen.void)


def figures(findings: Findings, target: Target) -> dict[str, Json]:
    """Everything as JSON; times in seconds."""
    return {
        "version": version("readygate"),
        "commit": commit(),
        "target": target.name,
        "profile": target.profile,
        "machine": {"cores": os.cpu_count(), "load_before": findings.load_before, "load_after": load_now()},
        "parts": findings.parts,
        "problems": [*findings.problems],
    }


def tables(found: dict[str, Json]) -> Iterator[Table]:
    """The figures for a terminal: a table for each part."""
    for part, told in found["parts"].items():
        table = Table("", "", title=part, show_header=False)
        for name, value in _flat(told):
            table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
        yield table
    counts = Table("", "", show_header=False)
    counts.add_row("machine", ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in found["machine"].items()))
    counts.add_row("version", f"{found['version']} ({found['commit'] or 'no checkout'})")
    yield counts


def _flat(told: dict[str, Json], before: str = "") -> Iterator[tuple[str, Json]]:
    for name, value in told.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}: ")
        else:
            yield f"{before}{name}", value
