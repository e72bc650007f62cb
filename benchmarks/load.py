"""Times how much the reference system does and what that costs, and holds it against the bare parts: python -m benchmarks.load

For comparison between versions of the project and between machines; a verdict comes from `readygate run`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks import bare
from benchmarks.command import common, measurable, run
from benchmarks.load_figures import Findings, figures, tables
from benchmarks.machine import at_least, keep, own_stack, terminated_cleanly
from fixtures.bottleneck import capacity
from fixtures.campaign import FLOOD, USUAL, Campaign, Seen
from fixtures.clients.api import Api
from fixtures.clients.database import Database
from fixtures.histogram import p95
from fixtures.ledger import Ledger
from fixtures.load import load as crowd
from fixtures.stack import ComposeStack
from fixtures.vitals import watched
from gate.console import Out
from gate.model import Json
from gate.status import ExitStatus
from gate.target import Target

PARTS = ("jobs", "fairness", "limit", "api", "generator")
NEEDS = ("api", "worker", "database", "database.effects_sql", "job.running")
USERS = 40  # with a job each: more than there are hands
CONNECTIONS = 16


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = common("load", __doc__)
    top.add_argument("--part", action="append", choices=PARTS, help="only this one (repeatable)")
    top.add_argument("--jobs", type=at_least(20), default=300, metavar="N", help="at the limit; default: 300")
    top.add_argument("--seconds", type=at_least(3), default=10, metavar="N", help="for each generator; default: 10")
    return top


def main(arguments: Sequence[str]) -> int:
    """Parse, run, print. 0: every job was done once; 1: one was not; others as `readygate` has them."""
    return run(parser(), benchmark, arguments)


def benchmark(options: argparse.Namespace, say: Callable[[str], None]) -> ExitStatus:
    """Stand stacks up, load them, take them down, and show what was found until then. Raises UsageError, CouldNotRunError."""
    target = measurable(options, NEEDS, "nobody could count what was done")
    parts = options.part or PARTS
    if {"api", "generator"} & set(parts):
        bare.demand_wrk()
    findings = Findings()
    try:
        with terminated_cleanly():
            _measure(options, target, parts, findings, say)
    finally:
        if findings.parts:
            found = figures(findings, target)
            keep(found, options.json)
            out = Out()
            for table in tables(found):
                out.print(table)
            for sentence in findings.problems:
                out.print(f"✕ {sentence}", highlight=False, markup=False)
    return ExitStatus.NO_GO if findings.problems else ExitStatus.GO


def _measure(
    options: argparse.Namespace, target: Target, parts: Sequence[str], findings: Findings, say: Callable[[str], None]
) -> None:
    realistic: dict[str, Callable[[Campaign], dict[str, Json]]] = {
        "jobs": lambda campaign: _jobs(campaign, findings),
        "fairness": lambda campaign: _fairness(campaign, findings),
    }
    if wanted := [part for part in realistic if part in parts]:
        with own_stack(target, "load", say, {}) as stack:
            campaign = Campaign(stack, stack.target.limits)
            for part in wanted:
                findings.add(part, realistic[part](campaign), say)
    rest: dict[str, Callable[[ComposeStack], dict[str, Json]]] = {
        "limit": lambda stack: _limit(stack, options.jobs, findings),
        "api": lambda stack: _api(stack, options.seconds),
        "generator": lambda stack: _generator(stack, options.seconds),
    }
    if wanted := [part for part in rest if part in parts]:
        with own_stack(target, "limit", say, bare.NEVER_WAITS) as stack:
            for part in wanted:
                findings.add(part, rest[part](stack), say)


def _jobs(campaign: Campaign, findings: Findings) -> dict[str, Json]:
    """As many jobs at a time as are normal, and twice as many, as long as jobs take in this profile."""
    normal, double = campaign.crowd(), campaign.crowd(2)
    for seen in (normal, double):
        findings.accounted(seen)
    return {
        "normal": _told(normal),
        "twice": _told(double),
        "capacity": capacity(normal.result, double.result, double.vitals, double.cpu_s_for_1000),
    }


def _told(seen: Seen) -> dict[str, Json]:
    took = seen.result.seconds
    return {
        "jobs at once": seen.result.users,
        "jobs": len(took),
        "jobs/s": seen.result.jobs_per_s,
        "average, promise to end, s": sum(took) / len(took) if took else None,
        "requests": seen.result.requests,
        "requests failed": seen.result.failures,
        "generator, cores": seen.result.generator_cpu,
    }


def _fairness(campaign: Campaign, findings: Findings) -> dict[str, Json]:
    """The slow jobs of a tenant that comes as usual, alone and beside one that comes with many times as many."""
    seen = campaign.surge()
    if seen.void:
        findings.problems.append(seen.void)
    own, other = campaign.tenants
    took: dict[str, list[float]] = {}
    for phase in (USUAL, FLOOD):
        jobs = seen.result.of(phase, own)
        took[phase] = [job.total for job in jobs if job.total is not None]
        if len(took[phase]) < len(jobs):
            findings.problems.append(f"of {len(jobs)} jobs that came as usual ({phase}) {len(took[phase])} were done")
    slow = {phase: p95(f"jobs, {phase}", seconds) for phase, seconds in took.items()}
    flood = seen.result.phase(FLOOD)
    return {
        "jobs/s as usual, of the flood": f"{campaign.usual_per_s:.2f}, {campaign.flood_per_s:.2f}",
        "jobs as usual, beside the flood": f"{len(took[USUAL])}, {len(took[FLOOD])}",
        "jobs of the flood": len(seen.result.of(FLOOD, other)),
        "p95 as usual, s": slow[USUAL],
        "p95 beside the flood, s": slow[FLOOD],
        "ratio": slow[FLOOD] / slow[USUAL],
        "cores that others had meanwhile": seen.vitals.others_cores(flood.began, flood.ended),
    }


def _limit(stack: ComposeStack, jobs: int, findings: Findings) -> dict[str, Json]:
    """Jobs that wait for nobody: what is left is the work itself and its book-keeping, against a queue that does only that."""
    api = Api(stack)
    try:
        ledger = Ledger.of(stack, api)
        before = Database(stack).effects()
        with watched(stack) as vitals:
            result = crowd(stack, users=USERS, seconds=300, jobs=jobs, name="limit")
        ledger.adopt(result.entries(api))
        ledger.settle(stack.target.job.timeout_s)
        done = sum(Database(stack).effects().values()) - sum(before.values())
    finally:
        api.close()
    if done != len(result.jobs):
        findings.problems.append(f"of {len(result.jobs)} jobs at the limit {done} were done")
    alone = bare.worker(stack, jobs * 10)
    return {
        "jobs": len(result.jobs),
        "jobs/s": result.jobs_per_s,
        "CPU seconds for 1000 jobs": vitals.cpu_s() / max(1, done) * 1000,
        "a bare worker's jobs/s": alone,
        "ratio": result.jobs_per_s / alone,
        "generator, cores": result.generator_cpu,
    }


def _api(stack: ComposeStack, seconds: int) -> dict[str, Json]:
    """A look at a job, without the gateway, against an API that answers and does nothing."""
    api = Api(stack)
    try:
        ledger = Ledger.of(stack, api)
        job = ledger.submit()
        ledger.follow()
        token = api.authorisation()
    finally:
        api.close()
    path = stack.target.job.status_path.replace("{id}", job)
    ours = f"http://{bare.address(stack.containers('api')[0])}:8000{path}"
    looked = bare.wrk(ours, connections=CONNECTIONS, seconds=seconds, headers=token)
    with bare.api(stack) as url:
        alone = bare.wrk(f"{url}/bare", connections=CONNECTIONS, seconds=seconds)
    return {"a look at a job": looked.json(), "a bare API": alone.json(), "ratio": looked.per_s / alone.per_s}


def _generator(stack: ComposeStack, seconds: int) -> dict[str, Json]:
    """Our generator and wrk on the same endpoints: one that answers at once, and one that takes a known time."""
    found: dict[str, Json] = {"what /slow takes, s": bare.SLOW_S}
    with bare.api(stack) as url:
        for path, users in (("/bare", CONNECTIONS), ("/slow", 4)):
            wrk = bare.wrk(f"{url}{path}", connections=users, seconds=seconds)
            ours = bare.generator(stack.run_folder / "ceiling", url, path, users=users, seconds=seconds)
            found[path] = {
                "ours": ours.json(),
                "wrk": wrk.json(),
                "ours, requests/s of one core": ours.per_s / ours.cores if ours.cores else None,
                "error of the p50, ms": (ours.p50_s - wrk.p50_s) * 1000,
                "error of the p99, ms": _difference_ms(ours.p99_s, wrk.p99_s),
            }
    return found


def _difference_ms(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else (ours - theirs) * 1000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
