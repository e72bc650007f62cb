"""Loses a host under load, brings its system back on another, and goes back to points in time: python -m benchmarks.recovery

The size of the database is given. For comparison between versions of the project and between machines; a verdict comes from
`readygate run`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from benchmarks.command import common, measurable, run
from benchmarks.machine import at_least, commit, demand_folder, keep, load_now, own_stack, spread, terminated_cleanly
from fixtures.clients.database import Database
from fixtures.recovery import ballast
from fixtures.recovery.rehearsal import Rehearsal
from fixtures.recovery.report import report
from gate.console import Out
from gate.model import Json
from gate.status import ExitStatus
from gate.target import Target

NEEDS = ("restore", "commands.restore", "commands.restore_to", "database.sql")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = common("recovery", __doc__)
    top.add_argument("--size-mb", type=at_least(0), default=1000, metavar="N", help="of the database; default: 1000")
    top.add_argument("--points", type=at_least(1), default=10, metavar="N", help="points in time; default: 10")
    top.add_argument("--report", type=Path, metavar="FILE", help="write the report of the rehearsal there (Markdown)")
    return top


def main(arguments: Sequence[str]) -> int:
    """Parse, run, print. 0: everything came back as it was; 1: something did not; others as `readygate` has them."""
    return run(parser(), benchmark, arguments)


def benchmark(options: argparse.Namespace, say: Callable[[str], None]) -> ExitStatus:
    """Stand a stack up, lose it, restore it, take both away. Raises UsageError, CouldNotRunError."""
    target = measurable(options, NEEDS, "there is nothing to restore")
    demand_folder(options.report)
    with terminated_cleanly(), own_stack(target, "recovery", say, {}) as stack:
        say(f"… {options.size_mb} MB of data")
        ballast.load(Database(stack), options.size_mb * 10**6)
        say("… the host is lost, and its system comes back on another")
        limits = dict(target.limits)
        limits["recovery.points_in_time"] = replace(limits["recovery.points_in_time"], value=options.points)
        assert target.restore is not None  # noqa: S101  (demanded above)
        rehearsal = Rehearsal(stack, target.restore, limits).carried_out()
    found = figures(rehearsal, target, options)
    keep(found, options.json)
    if options.report:
        options.report.write_text(report(rehearsal), encoding="utf-8")
    out = Out()
    out.print(table(found))
    for sentence in found["problems"]:
        out.print(f"✕ {sentence}", highlight=False, markup=False)
    return ExitStatus.NO_GO if found["problems"] else ExitStatus.GO


def figures(rehearsal: Rehearsal, target: Target, options: argparse.Namespace) -> dict[str, Json]:
    """Everything as JSON; times in seconds."""
    loss, rebuilt = rehearsal.loss, rehearsal.rebuilt
    account = rebuilt.account if rebuilt else None
    restored = bool(loss and rebuilt and rebuilt.rows)
    return {
        "version": version("readygate"),
        "commit": commit(),
        "target": target.name,
        "profile": target.profile,
        "asked": {"size_mb": options.size_mb, "points": options.points},
        "machine": {"cores": os.cpu_count(), "load_after": load_now()},
        "database_mb": round(rebuilt.database_bytes / 1e6) if rebuilt else None,
        "repository_mb": round(rebuilt.copied_bytes / 1e6) if rebuilt else None,
        "restored_mb_per_s": round(rebuilt.mb_per_s, 1) if rebuilt else None,
        "phases": dict(rebuilt.done.report().get("phases") or {}) if rebuilt else {},
        "rto_s": round(rebuilt.rto_s, 1) if rebuilt else None,
        "rpo_s": round(loss.at - rebuilt.rows[-1].at, 1) if restored and loss and rebuilt else None,
        "points_s": spread(back.done.seconds for back in rehearsal.returned),
        "points_exact": sum(not back.inexact(loss) for back in rehearsal.returned) if loss else 0,
        "jobs": account.json() if account else None,
        "problems": list(problems(rehearsal)),
    }


def problems(rehearsal: Rehearsal) -> Iterator[str]:
    """What did not come back as it was, a sentence each."""
    loss, rebuilt = rehearsal.loss, rehearsal.rebuilt
    if loss is None or rebuilt is None or rebuilt.failed:
        yield f"the system did not come back: {rebuilt.failed if rebuilt else 'the host was not lost'}"
        return
    if account := rebuilt.account:
        ages = [loss.at - each.acknowledged_at for each in loss.entries_of(account.lost_jobs) if each.acknowledged_at]
        if max(ages, default=0.0) > rehearsal.limits["recovery.rpo_s"].value:
            yield f"{len(ages)} acknowledged jobs were lost, the oldest of {max(ages):.0f} s before the loss"
        if account.duplicated or account.pending:
            yield f"not every job that came back was done once: {account}"
    for number, back in enumerate(rehearsal.returned, 1):
        if missed := back.inexact(loss):
            yield f"point {number}: {missed}"
        if back.differences:
            yield f"point {number}: {len(back.differences)} things are not what they were, first {back.differences[0]}"
    if len(rehearsal.returned) < len(rehearsal.points):
        yield f"{len(rehearsal.returned)} of {len(rehearsal.points)} points were gone back to"


def table(found: dict[str, Json]) -> Table:
    """The figures for a terminal."""
    shown = Table("what", "value", title="A host lost under load, and its system back on another")
    points = found["points_s"]
    rows = {
        "database": f"{found['database_mb']} MB, repository {found['repository_mb']} MB",
        "restored at": f"{found['restored_mb_per_s']} MB/s",
        "phases of the restore": ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found["phases"].items()),
        "lost until a job was done (RTO)": f"{found['rto_s']} s",
        "work lost (RPO)": f"{found['rpo_s']} s",
        "points in time hit exactly": f"{found['points_exact']} of {found['asked']['points']}",
        "way back to one": f"median {points.get('median')} s, worst {points.get('worst')} s",
        "machine": f"{found['machine']['cores']} cores, load {found['machine']['load_after']}",
        "version": f"{found['version']} ({found['commit'] or 'no checkout'})",
    }
    for what, value in rows.items():
        shown.add_row(what, value)
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
