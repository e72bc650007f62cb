"""Changes settings under traffic: validated, planned, rolled out, recorded; with the old value the same takes it back."""

from __future__ import annotations

import sys

from procedures import procedure
from procedures.arguments import Parser
from procedures.configuration import ENVIRONMENTS
from procedures.live import Live
from procedures.procedure import Request
from procedures.reconfiguration import Reconfiguration
from procedures.system import System
from procedures.validate_configuration import PRODUCTION


def request(wanted: dict[str, str], *, where: str = PRODUCTION, dry_run: bool = False) -> Request:
    """The request to change these settings."""

    def intend(system: System, live: Live) -> Reconfiguration:
        return Reconfiguration.to(system, live, wanted, where)

    return Request(
        "configure",
        "",
        (),
        lambda live: live.release,
        "configured",
        "make setup",
        dry_run,
        intend=intend,
        subject=", ".join(sorted(wanted)),
    )


def main(arguments: list[str]) -> int:
    """Run the command line; exit status 0 configured, planned or unchanged, 1 failed or taken back, 2 refused."""
    parser = Parser("configure", prog="scripts/change-configuration.sh", description=__doc__)
    parser.add_argument("setting", nargs="+", metavar="KEY=VALUE", help="a variable of the environment file")
    parser.add_argument("--dry-run", action="store_true", help="validate, print the plan, and change nothing")
    parser.add_argument("--environment", choices=tuple(ENVIRONMENTS), default=PRODUCTION, help="whose rules hold")
    given = parser.parse_args(arguments)
    wanted = {}
    for setting in given.setting:
        key, sign, value = setting.partition("=")
        if not sign or not key:
            parser.error(f"{setting!r} is no KEY=VALUE")
        wanted[key] = value
    return procedure.main(request(wanted, where=given.environment, dry_run=given.dry_run))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
