"""Has the running gateway show the certificate in the secrets folder, as after a renewal; nothing is restarted.

With --days it shows one that ends then instead, which is kept nowhere: to see that somebody is told in time.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from procedures import certificates, shell
from procedures.commands import Compose
from procedures.refusal import Refused
from procedures.setup_step import SetupFailed
from procedures.token import secrets_folder

TIMEOUT_S = 30


def main(arguments: list[str]) -> int:
    """Put the certificate in; exit status 1 when the gateway does not take it, 2 when there is none."""
    parser = argparse.ArgumentParser(prog="scripts/gateway-certificate.sh", description=__doc__)
    parser.add_argument(
        "--days",
        type=int,
        metavar="N",
        help="one that ends in N days (0: it has ended), instead of the one in the folder",
    )
    given = parser.parse_args(arguments)
    if given.days is not None and not 0 <= given.days <= certificates.VALID_DAYS:
        parser.error(f"--days {given.days}: not from 0 to {certificates.VALID_DAYS}")
    try:
        pem = _certificate(secrets_folder(), given.days)
        command = Compose.of().gateway_certificate()
        shell.run(command, input=pem, timeout_s=TIMEOUT_S).check("the gateway did not take the certificate")
    except (Refused, SetupFailed) as error:
        sys.stderr.write(f"gateway-certificate.sh: {error}\n")
        return 2
    except shell.CommandFailed as error:
        sys.stderr.write(f"gateway-certificate.sh: {error}\n")
        return 1
    return 0


def _certificate(folder: Path, days: int | None) -> str:
    if days is not None:
        return certificates.gateway(folder, now=datetime.datetime.now(datetime.UTC), days=days).decode()
    file = folder / certificates.LEAVES[0].certificate
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise Refused(f"cannot read {file}: {error}", "scripts/prepare.sh") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
