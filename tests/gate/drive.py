"""`readygate` as users type it, on given suites, without an engine: `python -m tests.gate.drive SUITES MANIFEST run`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from gate import catalogue, cli, commands
from tests.gate import bench

if __name__ == "__main__":
    suites, manifest, *arguments = sys.argv[1:]
    catalogue.MANIFEST = Path(manifest)
    commands.Request = partial(commands.Request, suites=Path(suites))  # type: ignore[misc]
    sys.exit(cli.main(arguments, bench.tools))
