"""What every benchmark needs: a stack of its own, an end that removes it, and the words for figures."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from fixtures import reap
from fixtures.clients.docker import Engine
from fixtures.stack import ComposeStack, StackFailed, prepare
from gate import files, shell
from gate.check import Unverified
from gate.errors import CouldNotRunError, Stopped, UsageError
from gate.model import Json
from gate.shell import CommandFailed
from gate.target import Target

ROOT = Path(__file__).resolve().parents[1]


def at_least(least: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number of at least so much."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
        return int(text)

    return number


@contextmanager
def own_stack(target: Target, name: str, say: Callable[[str], None], env: Mapping[str, str]) -> Iterator[ComposeStack]:
    """A stack of our own that is up, removed at the end whatever happens. Raises CouldNotRunError."""
    Engine().ping()
    reap.reap()
    run = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    try:
        prepare(target)
        stack = ComposeStack(target, run, target.folder / ".readygate" / "benchmarks" / run, name, env=env)
    except CommandFailed as error:
        raise CouldNotRunError(str(error)) from error
    try:
        say("… starting a stack")
        stack.start()
        yield stack
    except (StackFailed, CommandFailed, Unverified) as error:
        raise CouldNotRunError(str(error)) from error
    finally:
        say("… removing the stack")
        stack.stop()


@contextmanager
def terminated_cleanly() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that what was created is removed."""

    def stop(number: int, _frame: object) -> None:
        raise Stopped(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def demand_folder(file: Path | None) -> None:
    """Raise UsageError unless figures can be kept there."""
    if file and not file.resolve().parent.is_dir():
        raise UsageError(f"{file}: there is no such folder", f"mkdir -p {file.parent}")


def keep(found: Mapping[str, Json], file: Path | None) -> None:
    """Write the figures, whole or not at all."""
    if file:
        files.replace(file, json.dumps(found, indent=1) + "\n")


def load_now() -> float:
    """How many processes wanted a processor over the last minute."""
    return round(os.getloadavg()[0], 2)


def spread(samples: Iterable[float | None]) -> dict[str, Json]:
    """Median and worst of what is known."""
    known = [round(sample, 3) for sample in samples if sample is not None]
    if not known:
        return {"n": 0}
    return {"n": len(known), "median": round(median(known), 3), "worst": max(known), "samples": list(known)}


def commit() -> str | None:
    """The commit of this tree, with a mark when files differ from it; None outside a checkout."""
    done = shell.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, timeout_s=10)
    return done.stdout.strip() if done.status == 0 else None
