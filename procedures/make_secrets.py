"""Makes the secrets that are missing in the folder that the environment file names; those that are there stay as they are.

After the loss of a host: what is kept in escrow is put back first, the rest is made anew, and the restored database takes it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from procedures import secrets
from procedures.refusal import Refused
from procedures.setup_step import SetupFailed, Step
from procedures.token import secrets_folder


def main(arguments: list[str]) -> int:
    """Run the command line; exit status 2 when what is there cannot be used, or nothing can be written there."""
    argparse.ArgumentParser(prog="scripts/make-secrets.sh", description=__doc__).parse_args(arguments)
    step = Step("secrets")
    try:
        secrets.ensure(Path.cwd(), step, folder=secrets_folder())
    except (Refused, SetupFailed, OSError) as error:
        sys.stderr.write(f"make-secrets.sh: {error}\n")
        return 2
    sys.stderr.write(f"{step.found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
