"""The command line of every benchmark: what all of them take, and how each ends."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.machine import demand_folder
from gate.cli import TARGET, guarded
from gate.errors import UsageError
from gate.profiles import DEFAULT, PROFILES
from gate.status import ExitStatus
from gate.target import Target, load

Say = Callable[[str], None]


def common(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser of `python -m benchmarks.NAME` with what every benchmark takes: target, profile, and where figures go."""
    top = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    top.add_argument("--target", type=Path, default=Path(TARGET), metavar="FILE", help=f"default: {TARGET}")
    top.add_argument("--profile", choices=PROFILES, default=DEFAULT, help=f"default: {DEFAULT}")
    top.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return top


def measurable(options: argparse.Namespace, needs: Sequence[str], without: str) -> Target:
    """The target, with all that a benchmark needs of it and a place for the figures. Raises UsageError; `without` says why
    nothing can be measured where a need is missing."""
    target = load(options.target, options.profile)
    if missing := [need for need in needs if need not in target.capabilities()]:
        raise UsageError(f"{options.target} has no {', '.join(missing)}: {without}")
    demand_folder(options.json)
    target.demand_files()
    return target


def run(
    parser: argparse.ArgumentParser,
    benchmark: Callable[[argparse.Namespace, Say], ExitStatus],
    arguments: Sequence[str],
) -> int:
    """Parse, run with progress on stderr, and return the exit status; errors are said as `readygate` says them."""
    try:
        options = parser.parse_args(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    progress = Console(stderr=True)

    def say(sentence: str) -> None:
        progress.print(sentence, highlight=False, markup=False)

    return int(guarded(lambda: benchmark(options, say), say))
