"""Runs the acceptance tests that belong to a release, its parents' included, against the running instance."""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import sys
import time
import unittest
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from procedures import build, environment, shell, token
from procedures.commands import Compose
from procedures.refusal import Refused
from procedures.settings import Settings
from procedures.shell import CommandFailed
from procedures.system import Run, System
from procedures.visible import visible

FOLDER = "acceptance"
_TOKEN_S = 3600


def folders(release: str) -> list[Path]:
    """Where the tests of a release and its parents lie, the oldest first. Refused when it is unknown."""
    found, name = [], ""
    while name != release:
        name, release = release, build.source(release).parent
        found.append(build.RELEASES / name / FOLDER)
    return [folder for folder in reversed(found) if folder.is_dir()]


def tests_of(release: str) -> list[unittest.TestCase]:
    """The tests themselves; a module that cannot be imported is one that fails. Refused when there are none."""
    sys.dont_write_bytecode = True
    loaded = (unittest.TestLoader().discover(str(each), top_level_dir=str(each)) for each in folders(release))
    found = [test for tests in loaded for test in _each(tests)]
    if not found:
        raise Refused(f"release {release} has no acceptance tests", f"ls {build.RELEASES}/*/{FOLDER}")
    return found


def variables(system: System) -> dict[str, str]:
    """Where and as whom the tests ask: tenants of this run only. Raises CommandFailed, Refused or ValueError."""
    published = system.do(system.compose.published(), "the gateway publishes no port").stdout.strip()
    host, _, port = published.rpartition(":")
    address = ipaddress.ip_address(host.strip("[]"))
    shown = "localhost" if address.is_unspecified else f"[{address}]" if address.version == 6 else str(address)
    tenant = f"acceptance-{uuid.uuid4().hex[:8]}"
    return {
        "ACCEPTANCE_URL": f"https://{shown}:{port}",
        "ACCEPTANCE_CA": str(token.secrets_folder() / "ca.crt"),
        "ACCEPTANCE_TOKEN": _token(tenant),
        "ACCEPTANCE_STRANGER": _token(f"{tenant}-stranger"),
    }


def main(arguments: Sequence[str], run: Run = shell.run) -> int:
    """The last line is JSON: release, passed, failed. Exit status 0 all passed, 1 not all or not reached, 2 refused."""
    parser = argparse.ArgumentParser(prog="scripts/acceptance-test.sh", description=__doc__, epilog=main.__doc__)
    parser.add_argument("release", metavar="R", help=f"a folder of {build.RELEASES}")
    release = parser.parse_args(arguments).release
    try:
        tests = tests_of(release)
        system = System(run, Compose.of(), environment.locate(), Settings.of())
        os.environ.update(variables(system))
    except Refused as error:
        sys.stderr.write(f"acceptance-test.sh: {error}\n")
        return 2
    except (CommandFailed, ValueError) as error:
        sys.stderr.write(f"acceptance-test.sh: the instance cannot be reached: {error}\n")
        return 1
    failed = 0
    for test in tests:
        problems = _problems(test)
        failed += bool(problems)
        said = f"{'✕' if problems else '✓'} {test.id()}{': ' * bool(problems)}{'; '.join(problems)}\n"
        sys.stdout.write(visible(said))
        sys.stdout.flush()
    sys.stdout.write(json.dumps({"release": release, "passed": len(tests) - failed, "failed": failed}) + "\n")
    return 1 if failed else 0


def _each(tests: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from _each(test)
        else:
            yield test


def _problems(test: unittest.TestCase) -> list[str]:
    """Run one test: why it did not pass, in a line each. A skipped one did not."""
    result = unittest.TestResult()
    test.run(result)
    tracebacks = [text.strip().rpartition("\n")[2] for _, text in (*result.failures, *result.errors)]
    return [*tracebacks, *(f"skipped: {why}" for _, why in result.skipped)]


def _token(tenant: str) -> str:
    subject = f"operator@{tenant}"
    payload = token.claims(tenant=tenant, role="operator", subject=subject, ttl_s=_TOKEN_S, at=time.time())
    return token.signed(payload, token.secrets_folder() / token.KEY)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
