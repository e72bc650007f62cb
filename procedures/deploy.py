"""Puts a release live beside the one that serves, switches to it, watches it, and goes back by itself when it is bad."""

from __future__ import annotations

import sys

from procedures import procedure, rolling
from procedures.arguments import Parser
from procedures.change import bake, canary, drain, finish, migrate, ready, rehearse, start, switch
from procedures.live import Live
from procedures.procedure import Request
from procedures.release import checked

PHASES = (migrate, start, ready, canary, rehearse, switch, drain, bake, finish)
# What the bake judges is the API: a bad one is found before the workers have to let go of anything.
ROLLING = (
    migrate,
    rolling.make_room,
    rolling.try_out,
    canary,
    rehearse,
    rolling.roll_api,
    bake,
    rolling.roll_workers,
    rolling.finish,
)


def request(release: str, *, dry_run: bool = False) -> Request:
    """The request to deploy `release`; empty means the live one, which changes nothing while it runs."""

    def choose(live: Live) -> str:
        return checked(release) if release else live.release

    return Request("deploy", release, PHASES, choose, "deployed", "scripts/build-release.sh {0}", dry_run, ROLLING)


def main(arguments: list[str]) -> int:
    """Run the command line; exit status 0 deployed, planned or unchanged, 1 failed or rolled back, 2 refused."""
    parser = Parser("deploy", prog="scripts/deploy-production.sh", description=__doc__)
    parser.add_argument("--release", metavar="R", default="", help="the release to put live (default: the live one)")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
    given = parser.parse_args(arguments)
    return procedure.main(request(given.release, dry_run=given.dry_run))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
