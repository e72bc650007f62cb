"""Says whether an environment file can go where it is for: every problem at once, by key and line, no value of it printed."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from procedures import environment
from procedures.environment import Assignment
from procedures.refusal import Refused
from procedures.visible import visible

try:
    from pydantic import ValidationError

    from procedures.configuration import ENVIRONMENTS, keys
except ImportError:
    sys.exit("validate-production-config.sh: this Python has no pydantic. To mend it: make setup")

PRODUCTION = "production"
_FOLDER = Path("reference", "env")
_PLACEHOLDER = re.compile(
    r"change[-_ ]?(me|this|it)|replace[-_ ]?(me|this|with)|placeholder|to[-_]?do\b|fix[-_]?me|your[-_ ]|x{4,}|\*{3,}|^<.*>$"
    r"|^(password|passw0rd|secret|admin|postgres|letmein|123456\w*)$|example\.(com|org|net)",
    re.IGNORECASE,
)
_DEBUG = re.compile(r"(^|_)(DEBUG|DEV|DEVELOPMENT|TESTING)($|_)")
_SECRET = re.compile(r"PASSWORD|PASSPHRASE|PASSWD|TOKEN|CREDENTIAL|API_?KEY|PRIVATE_?KEY|SIGNING_?KEY")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong with a key, on which line; line 0: it is not there."""

    line: int
    key: str
    text: str

    def __str__(self) -> str:
        return f"{f'line {self.line}: ' if self.line else ''}{self.key}: {self.text}"


def problems(text: str, environment_name: str = PRODUCTION) -> list[Problem]:
    """Everything that keeps a file from the environment of that name, in the order of its lines."""
    found = _unreadable(text)
    given: dict[str, Assignment] = {}
    for each in environment.assignments(text):
        if each.key in given:
            found.append(Problem(each.line, each.key, f"is set already on line {given[each.key].line}"))
        given[each.key] = each
        if _PLACEHOLDER.search(each.value):
            found.append(Problem(each.line, each.key, "still holds a placeholder"))
        if each.value.startswith("#"):
            found.append(
                Problem(each.line, each.key, "begins with #: Compose takes that for the value, not for a comment")
            )
        if each.key not in keys():
            found.append(Problem(each.line, each.key, _unknown(each.key)))
    known = {key: each.value for key, each in given.items() if key in keys()}
    try:
        ENVIRONMENTS[environment_name].model_validate(known)
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            found.append(_problem(item["loc"], item["type"], item["msg"], given))
    return sorted(set(found))


def weak_secrets(folder: Path) -> list[Problem]:
    """Secret files of the folder that are empty or placeholders; none where the folder does not exist yet."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.is_file():
            continue
        content = path.read_bytes().strip()
        if not content:
            found.append(Problem(0, "DOCJOBS_SECRETS", f"the file {path.name} in it is empty"))
        elif len(content) < 256 and _PLACEHOLDER.search(content.decode(errors="replace")):
            found.append(Problem(0, "DOCJOBS_SECRETS", f"the file {path.name} in it still holds a placeholder"))
    return found


def main(arguments: Sequence[str]) -> int:
    """Judge one file; exit status 0: it can go there, 2: it cannot."""
    parser = argparse.ArgumentParser(prog="scripts/validate-production-config.sh", description=__doc__)
    parser.add_argument("--environment", choices=tuple(ENVIRONMENTS), help=f"where it is to go (default: {PRODUCTION})")
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        help="an environment file (default: the committed one of --environment, else the one that compose uses)",
    )
    given = parser.parse_args(arguments)
    where: str = given.environment or PRODUCTION
    try:
        committed = _FOLDER / f"{given.environment}.env" if given.environment else None
        path: Path = given.file or committed or environment.locate()
        text = path.read_text(encoding="utf-8")
        found = problems(text, where)
        folder = environment.read(path).get("DOCJOBS_SECRETS", "")
        found += weak_secrets(Path(folder)) if folder else []
    except Refused as error:
        sys.stderr.write(visible(f"{error}\n"))
        return 2
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        sys.stderr.write(f"cannot read {path}: {reason}\n")
        return 2
    for problem in found:
        sys.stderr.write(visible(f"{path}: {problem}\n"))
    if found:
        sys.stderr.write(f"{path}: refused, {len(found)} to correct\n")
        return 2
    sys.stdout.write(f"{path}: {len(environment.read(path))} values, all valid for {where}\n")
    return 0


def _unreadable(text: str) -> list[Problem]:
    return [
        Problem(number, line.split("=")[0].strip()[:40] or "=", "is no KEY=value")
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#") and not environment.ASSIGNMENT.match(line)
    ]


def _unknown(key: str) -> str:
    if _DEBUG.search(key):
        return "debugging must be off in production; remove it"
    if _SECRET.search(key):
        return "a secret does not belong here; put it into a file in DOCJOBS_SECRETS"
    near = difflib.get_close_matches(key, keys(), n=1, cutoff=0.6)
    return f"unknown variable; did you mean {near[0]}?" if near else "unknown variable"


def _problem(location: tuple[int | str, ...], kind: str, message: str, given: dict[str, Assignment]) -> Problem:
    message = message.removeprefix("Value error, ")
    if not location:  # said of several keys: the sentence begins with the one to look at
        key, _, message = message.partition(": ")
    else:
        key = str(location[0])
    if kind == "missing":
        return Problem(0, key, "is missing")
    line = given[key].line if key in given else 0
    if key in given and not given[key].value:
        return Problem(line, key, "is empty")
    return Problem(line, key, message[:1].lower() + message[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
