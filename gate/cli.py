"""The command `readygate`. A user's mistake ends in one sentence, a hint and an exit status, never in a traceback."""

from __future__ import annotations

import argparse
import errno
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from gate import past_arguments
from gate.areas import AREAS
from gate.errors import CouldNotRunError, Stopped, UsageError
from gate.formats import FORMATS
from gate.profiles import DEFAULT, PROFILES
from gate.redact import Redactor
from gate.status import ExitStatus
from gate.text import visible

if TYPE_CHECKING:
    from gate.tools import Tools

TARGET = "readiness.toml"
_REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line as every other error is said: a sentence, and the command that helps."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Refuse what is left over here: the parser of all commands would not know whose option was meant."""
        options, left = super().parse_known_args(args, namespace)
        if left:
            near = get_close_matches(left[0], self._option_string_actions, n=1)
            meant = f", did you mean '{near[0]}'?" if near else ""
            self.error(f"unrecognized arguments: {' '.join(left)}{meant}")
        return options, left

    def error(self, message: str) -> NoReturn:
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        near = get_close_matches(choice[1], re.findall(r"[\w-]+", choice[2]), n=1) if choice else []
        meant = f", did you mean '{near[0]}'?" if near else ""
        self.exit(int(ExitStatus.USAGE), visible(f"error: {message}{meant}\nhint: {self.prog} --help\n"))


def parser() -> argparse.ArgumentParser:
    """The command line, with the exit statuses in its help."""
    statuses = "\n".join(f"  {int(status):>3}  {status.sentence}" for status in ExitStatus)
    top = _Parser(
        prog="readygate",
        description="Decides whether a containerised job-processing system may go to production, with evidence.",
        epilog=f"exit statuses:\n{statuses}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="stand the system up, judge it, take it down, pronounce the verdict")
    _selecting(run)
    run.add_argument("--keep", action="store_true", help="leave the stacks up; `readygate clean` removes them")
    run.add_argument("--part", action="store_true", help="exit with 0 when all that --only or --check asked for passed")
    run.add_argument("--json", action="store_true", help="print results.json on stdout at the end")
    run.add_argument("-q", "--quiet", action="store_true", help="say only the verdict")

    standing = commands.add_parser(
        "compliance", help="judge the security controls alone: the matrix, and what 100 %% lacks; exit 0 only at 100 %%"
    )
    _judging(standing)
    standing.add_argument(
        "--results", metavar="RUN", help="read an earlier run: its id, `latest`, its folder, or its results.json"
    )
    standing.add_argument("--keep", action="store_true", help="leave the stacks up; `readygate clean` removes them")
    standing.add_argument("-q", "--quiet", action="store_true", help="say only the matrix")

    prove = commands.add_parser("prove", help="sabotage the system on purpose; the right check must turn red")
    _selecting(prove)
    prove.add_argument("--catalogue", type=Path, metavar="DIR", help="a folder of further defects (TOML files)")
    prove.add_argument("--defect", action="append", default=[], metavar="ID", help="only this defect (repeatable)")
    prove.add_argument("-q", "--quiet", action="store_true", help="say only what was caught")

    report = commands.add_parser("report", help="write a run's documents anew from its results.json; needs no Docker")
    report.add_argument("run", help="a run: its id, `latest`, its folder, or its results.json")
    report.add_argument("--format", default=",".join(FORMATS), help=f"{','.join(FORMATS)} (default: all)")

    listing = commands.add_parser("list", help="the checks, with what they need")
    listing.add_argument("--json", action="store_true", help="as JSON")
    explain = commands.add_parser("explain", help="what a check proves, why, and how to mend it")
    explain.add_argument("check", metavar="ID")
    commands.add_parser("doctor", help="what this machine lacks, and the command that mends it; changes nothing")
    init = commands.add_parser("init", help="write a commented readiness.toml to start from")
    init.add_argument("--target", type=Path, default=Path(TARGET), metavar="FILE")
    past_arguments.add_compare(commands)
    past_arguments.add_history(commands)
    commands.add_parser("clean", help="remove what kept or killed runs left behind on this engine, whoever kept them")
    completion = commands.add_parser("completion", help='for ~/.bashrc: eval "$(readygate completion bash)"')
    completion.add_argument("shell", choices=("bash",))
    return top


def _judging(command: argparse.ArgumentParser) -> None:
    command.add_argument("--target", type=Path, default=Path(TARGET), metavar="FILE", help=f"default: {TARGET}")
    command.add_argument(
        "--profile", choices=PROFILES, default=DEFAULT, help=f"how much, and how long (default: {DEFAULT})"
    )
    command.add_argument(
        "--advisories", metavar="PATH|URL", help="OSV records: a folder, a zip, or a service (default: the public one)"
    )


def _selecting(command: argparse.ArgumentParser) -> None:
    _judging(command)
    areas = f"only these areas ({', '.join(AREAS)}; repeatable): never a GO"
    command.add_argument("--only", action="append", default=[], metavar="AREA,…", help=areas)
    command.add_argument(
        "--check", action="append", default=[], metavar="ID", help="only this check, or those of a pattern (repeatable)"
    )
    command.add_argument(
        "--baseline", action="append", default=[], metavar="RUN", help="an earlier run to be held against (repeatable)"
    )


def guarded(command: Callable[[], ExitStatus], say: Callable[[str], None]) -> ExitStatus:
    """Run a command and turn what it raises into a sentence and a status."""
    try:
        return command()
    except UsageError as error:
        say(f"error: {error}" + (f"\nhint: {error.mend}" if error.mend else ""))
        return ExitStatus.USAGE
    except CouldNotRunError as error:
        say(f"error: {error}" + (f"\nhint: {error.mend}" if error.mend else ""))
        return ExitStatus.COULD_NOT_RUN
    except Stopped as stop:
        say(f"{stop}: left at once; remove what is still there with: readygate clean")
        return ExitStatus.by_signal(stop.number)
    except KeyboardInterrupt:
        say("interrupted before anything was judged")
        return ExitStatus.INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the last line of defence: a bug must be told from a NO-GO)
        if isinstance(error, OSError) and error.errno in _REFUSALS:
            say(f"error: {error.filename or 'this machine'}: {error.strerror}\nhint: readygate doctor")
            return ExitStatus.COULD_NOT_RUN
        say(f"error: a bug in readygate; {_kept(Redactor().text(traceback.format_exc()))}")
        return ExitStatus.BUG


def _kept(story: str) -> str:
    """Where the traceback is; the traceback itself when it cannot be kept."""
    path = Path(".readygate") / f"bug-{datetime.now(UTC):%Y%m%d-%H%M%S}.txt"
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(story)
    except OSError:
        return f"please report this:\n{story}"
    return f"the traceback is in {path}"


def main(arguments: Sequence[str], tools: Callable[[], Tools]) -> int:
    """Parse, run, and return the exit status. `tools` is called only by commands that need a machine."""
    try:
        options = parser().parse_args(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)

    def command() -> ExitStatus:
        from gate import commands  # noqa: PLC0415  (`--help` must not wait for it)

        return commands.BY_NAME[options.command](options, tools)

    return int(guarded(command, _stderr))


def _stderr(sentence: str) -> None:
    sys.stderr.write(visible(sentence) + "\n")
