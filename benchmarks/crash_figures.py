"""What the kills of a benchmark come to: findings in, figures and tables out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version

from rich.table import Table

from benchmarks.machine import commit, load_now, spread
from fixtures.ledger import Reconciliation
from gate.model import Json
from gate.target import Target

HOST = "host"  # every container at one moment
COUNTED = ("acknowledged", "succeeded", "lost", "duplicated", "recovered", "unexpected", "regressed")


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill of a role. Seconds since then: until a job was accepted again, until all that was killed was ready again, and
    until every job that was promised before had ended."""

    role: str
    accepted_s: float
    ready_s: float
    done_s: float
    account: Reconciliation

    @property
    def said(self) -> str:
        """For people."""
        return f"back after {self.ready_s:.1f} s, its jobs done after {self.done_s:.1f} s; {self.account}"


@dataclass
class Findings:
    """What was asked for, and what was found so far. `problems`: a sentence each; without any, nothing was lost."""

    asked: int
    seed: int
    kills: list[Kill] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    load_before: float = field(default_factory=load_now)

    def add(self, kill: Kill) -> None:
        """Take a kill in, and say in `problems` what it cost."""
        self.kills.append(kill)
        try:
            kill.account.demand_whole()
        except AssertionError as error:
            self.problems.append(f"kill {len(self.kills)}, {kill.role}: {error}")


def figures(findings: Findings, target: Target) -> dict[str, Json]:
    """Everything as JSON; times in seconds."""
    roles = dict.fromkeys(kill.role for kill in findings.kills)
    return {
        "version": version("readygate"),
        "commit": commit(),
        "target": target.name,
        "profile": target.profile,
        "asked": {"kills": findings.asked, "seed": findings.seed},
        "machine": {"cores": os.cpu_count(), "load_before": findings.load_before, "load_after": load_now()},
        "kills": {role: _figures([kill for kill in findings.kills if kill.role == role]) for role in roles},
        "jobs": {word: sum(getattr(kill.account, word) for kill in findings.kills) for word in COUNTED},
        "problems": [*findings.problems],
    }


def _figures(kills: list[Kill]) -> dict[str, Json]:
    return {
        "accepted": spread(kill.accepted_s for kill in kills),
        "ready": spread(kill.ready_s for kill in kills),
        "done": spread(kill.done_s for kill in kills),
    }


def tables(found: dict[str, Json]) -> Iterator[Table]:
    """The figures for a terminal."""
    columns = ("kills", "accepts again", "worst", "ready again", "worst", "its jobs done", "worst")
    times = Table("killed", *columns, title="Kills under load, median s and worst s")
    for role, told in found["kills"].items():
        shown = [f"{told[key][what]:.1f}" for key in ("accepted", "ready", "done") for what in ("median", "worst")]
        times.add_row(role, str(told["ready"]["n"]), *shown)
    yield times
    counts = Table("", "", show_header=False)
    for name in ("jobs", "asked", "machine"):
        counts.add_row(name, ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in found[name].items()))
    counts.add_row("version", f"{found['version']} ({found['commit'] or 'no checkout'})")
    yield counts
