"""Goes back to the release that was live before, or to another one named, as fast as that is safe."""

from __future__ import annotations

import sys

from procedures import procedure, rolling
from procedures.arguments import Parser
from procedures.change import drain, finish, ready, start, switch
from procedures.live import Live
from procedures.procedure import Request
from procedures.refusal import Refused
from procedures.release import checked

PHASES = (start, ready, switch, drain, finish)
ROLLING = (rolling.make_room, rolling.roll_api, rolling.roll_workers, rolling.finish)


def request(release: str, *, dry_run: bool = False) -> Request:
    """The request to go back to `release`; empty means the one that stands by."""

    def choose(live: Live) -> str:
        if release:
            return checked(release)
        if live.of(live.idle) == live.release:
            raise Refused(
                f"there is no release to go back to: {live.release} has no predecessor since the last rollback",
                "name one: scripts/rollback-production.sh --to R",
            )
        return live.of(live.idle)

    return Request("rollback", release, PHASES, choose, "rolled-back", "scripts/build-release.sh {0}", dry_run, ROLLING)


def main(arguments: list[str]) -> int:
    """Run the command line; exit status 0 rolled back, planned or unchanged, 1 failed, 2 refused."""
    parser = Parser("rollback", prog="scripts/rollback-production.sh", description=__doc__)
    parser.add_argument("--to", metavar="R", default="", help="the release to go back to (default: the previous one)")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
    given = parser.parse_args(arguments)
    return procedure.main(request(given.to, dry_run=given.dry_run))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
