"""Repeats deployment and rollback under traffic on a stack of its own and prints the phases: python -m benchmarks.rollback

For comparison between versions of the project and between machines; a verdict comes from `readygate run`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.command import common, measurable, run
from benchmarks.figures import Findings, figures, tables
from benchmarks.machine import at_least, keep, own_stack, terminated_cleanly
from fixtures import failures, release
from fixtures.clients.api import Api
from fixtures.identity import releases
from fixtures.ledger import Ledger
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.switching import Switch, switch_and_back
from fixtures.wait import Unreachable
from gate.check import Unverified
from gate.console import Out
from gate.status import ExitStatus
from gate.target import Target

NEEDS = ("commands.deploy", "commands.rollback", "releases.candidate")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = common("rollback", __doc__)
    top.add_argument("--repeats", type=at_least(1), default=20, metavar="N", help="default: 20")
    top.add_argument("--per-second", type=at_least(1), default=50, metavar="N", help="requests; default: 50")
    top.add_argument("--jobs", type=at_least(0), default=5, metavar="N", help="jobs under way at once; default: 5")
    return top


def main(arguments: Sequence[str]) -> int:
    """Parse, run, print. 0: nothing failed; 1: a command, a request or a job did; others as `readygate` has them."""
    return run(parser(), benchmark, arguments)


def benchmark(options: argparse.Namespace, say: Callable[[str], None]) -> ExitStatus:
    """Stand a stack up, repeat, take it down, and show what was found until then. Raises UsageError, CouldNotRunError."""
    target = measurable(options, NEEDS, "there is nothing to deploy and roll back")
    findings = Findings(options.per_second, options.jobs, options.repeats)
    with terminated_cleanly(), _stack(target, say) as stack:
        _repeat(stack, findings, say)
    found = figures(findings, target)
    keep(found, options.json)
    out = Out()
    for table in tables(found):
        out.print(table)
    for failure in findings.failures:
        out.print(failures.said(failure), highlight=False, markup=False, soft_wrap=True)
    for sentence in findings.problems:
        out.print(f"✕ {sentence}", highlight=False, markup=False)
    return ExitStatus.NO_GO if findings.problems else ExitStatus.GO


@contextmanager
def _stack(target: Target, say: Callable[[str], None]) -> Iterator[ComposeStack]:
    """A stack of our own with every release built."""
    with own_stack(target, "rollback", say, {}) as stack:
        for version in target.releases.values():
            release.built(stack, version)
        yield stack


def _repeat(stack: ComposeStack, findings: Findings, say: Callable[[str], None]) -> None:
    api = Api(stack)
    try:
        ledger = Ledger.of(stack, api)
        SteadyState(stack, api, ledger).demand()
        for number in range(1, findings.repeats + 1):
            if not _once(stack, ledger, findings, number, say):
                break
        try:
            account = ledger.reconcile()
        except (AssertionError, Unreachable) as error:
            findings.problems.append(f"the jobs cannot be accounted for: {error}")
            return
        lost = failures.of_jobs(ledger.entries, account.lost_jobs)
        first = findings.switches[0].deployed.began if findings.switches else 0.0
        findings.failures += failures.told(stack, lost, began=first, phase=findings.at)
        findings.reconciled(account)
    finally:
        api.close()


def _once(
    stack: ComposeStack, ledger: Ledger, findings: Findings, number: int, say: Callable[[str], None]
) -> Switch | None:
    """One deployment and rollback; None when it broke off, after which the system is no longer what the next one needs."""
    try:
        done = switch_and_back(
            stack,
            ledger,
            candidate=stack.target.releases["candidate"],
            per_second=findings.per_second,
            jobs_at_once=findings.jobs,
            before=releases(stack),
        )
        findings.switches.append(done)
        ledger.follow()
    except (AssertionError, Unreachable, Unverified) as error:
        findings.problems.append(f"repeat {number}: {error}")
        return None
    failed = failures.of_requests(done.stream.failed, stack.target.job.status_path)
    findings.failures += failures.told(stack, failed, began=done.deployed.began, phase=done.at)
    say(
        f"{number} of {findings.repeats}: deployed in {done.deployed.seconds:.1f} s, rolled back in "
        f"{done.rolled_back.seconds:.1f} s; {done.stream.sent} requests, {len(failed)} failed"
    )
    return done


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
