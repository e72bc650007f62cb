"""Kills roles of a system at random moments under load and counts the jobs: python -m benchmarks.crashes

For comparison between versions of the project and between machines; a verdict comes from `readygate run`.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from benchmarks.command import common, measurable, run
from benchmarks.crash_figures import HOST, Findings, Kill, figures, tables
from benchmarks.machine import at_least, keep, own_stack, terminated_cleanly
from fixtures import faults
from fixtures.clients.api import Api
from fixtures.clients.database import Database
from fixtures.clients.docker import Container
from fixtures.ledger import Ledger
from fixtures.pressure import pressure
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import Unreachable, pause_until, until
from gate.check import Unverified
from gate.console import Out
from gate.status import ExitStatus

ROLES = ("worker", "database", "api", "gateway")
NEEDS = ("worker", "database", "database.effects_sql", "job.running", "faults")
USERS, PACE_S = 6, 0.2
LONGEST_S = 2.5  # of load before a kill: a random part of it


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = common("crashes", __doc__)
    top.add_argument("--kills", type=at_least(1), default=20, metavar="N", help="default: 20")
    top.add_argument("--role", action="append", choices=(*ROLES, HOST), help="only this one (repeatable)")
    top.add_argument("--seed", type=at_least(0), metavar="N", help="of the random moments; default: a new one")
    top.add_argument(
        "--tell", action="append", metavar="SQL", help="told to the database before the first kill (repeatable)"
    )
    top.add_argument("--until-lost", action="store_true", help="end with the first kill that lost a job")
    return top


def main(arguments: Sequence[str]) -> int:
    """Parse, run, print. 0: no job was lost or done twice; 1: one was; others as `readygate` has them."""
    return run(parser(), benchmark, arguments)


def benchmark(options: argparse.Namespace, say: Callable[[str], None]) -> ExitStatus:
    """Stand a stack up, kill, take it down, and show what was found until then, also when it is cut off.

    Raises UsageError, CouldNotRunError.
    """
    target = measurable(options, NEEDS, "nobody could count what a crash cost")
    findings = Findings(options.kills, options.seed if options.seed is not None else secrets.randbelow(10_000))
    try:
        with terminated_cleanly(), own_stack(target, "crashes", say, {}) as stack:
            _repeat(stack, options, findings, say)
    finally:
        if findings.kills:
            found = figures(findings, target)
            keep(found, options.json)
            out = Out()
            for table in tables(found):
                out.print(table)
            for sentence in findings.problems:
                out.print(f"✕ {sentence}", highlight=False, markup=False)
    return ExitStatus.NO_GO if findings.problems else ExitStatus.GO


def _repeat(stack: ComposeStack, options: argparse.Namespace, findings: Findings, say: Callable[[str], None]) -> None:
    chance = random.Random(findings.seed)  # noqa: S311  (moments, no secrets)
    api = Api(stack)
    try:
        for statement in options.tell or ():
            Database(stack).rows(statement)
        SteadyState(stack, api, Ledger.of(stack, api)).demand()
        roles = [role for role in options.role or (*ROLES, HOST) if role == HOST or stack.containers(role)]
        for number, role in zip(range(1, findings.asked + 1), _turns(roles, chance), strict=False):
            try:
                kill = _kill(stack, api, role, chance)
            except (AssertionError, Unreachable, Unverified) as error:
                findings.problems.append(f"kill {number}, {role}: {error}")
                return
            findings.add(kill)
            say(f"{number} of {findings.asked}: {role} killed, {kill.said}")
            if options.until_lost and kill.account.lost:
                return
    finally:
        api.close()


def _turns(roles: Sequence[str], chance: random.Random) -> Iterator[str]:
    """Each role once before any comes again, in an order of chance."""
    while True:
        yield from chance.sample(roles, len(roles))


def _kill(stack: ComposeStack, api: Api, role: str, chance: random.Random) -> Kill:
    """One kill under load at a random moment, and the account of the jobs around it."""
    ledger = Ledger.of(stack, api)
    victims: tuple[Container, ...] = stack.containers(None if role == HOST else role)
    faults.settled(victims)
    takeover_s = stack.target.limits["recovery.worker_takeover_s"].value
    with ExitStack() as ends_of, ThreadPoolExecutor(1) as beside:
        users = ends_of.enter_context(pressure(ledger, USERS, PACE_S))
        users.demand_flow(USERS)
        pause_until(time.monotonic() + chance.uniform(0, LONGEST_S))
        before = [entry.job_id for entry in ledger.entries if entry.job_id]
        with faults.all_killed(stack, victims) as wounds:
            at = wounds[-1]
            back = beside.submit(lambda: max(wound.restarted(takeover_s * 2) for wound in wounds))
            until(lambda: users.first_promise(at.at), takeover_s * 2, "a job is accepted after the kill", every=0.02)
            ends_of.close()
            until(
                lambda: ledger.resolve() >= 0,
                api.job_timeout_s,
                "submissions without an answer are answered",
                every=0.5,
            )
            ledger.follow(within=takeover_s + api.job_timeout_s)
            ready_s = back.result()
    ends = [ledger.entry(job).finished_at or 0.0 for job in before]
    accepted_s = (users.first_promise(at.at) or at.at) - at.at
    return Kill(role, accepted_s, ready_s, max(ends) - at.at_epoch, ledger.reconcile())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
