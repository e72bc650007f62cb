"""Finds the tree that carries the gate, puts it on the path of this process alone, and hands over."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gate.tools import Tools


def tree() -> Path:
    """Folder of gate/, fixtures/ and suites/: inside the wheel, or the checkout this package lies in."""
    here = Path(__file__).resolve().parent
    bundle = here / "bundle"
    return bundle if bundle.is_dir() else here.parent


def main() -> int:
    sys.path.insert(0, str(tree()))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks our signs must not cost a run its verdict
    from gate.cli import main as cli  # noqa: PLC0415  (the path above has to be set first)

    return cli(sys.argv[1:], _tools)


def _tools() -> Tools:
    from readygate.machine import tools  # noqa: PLC0415  (only commands that need a machine pay for its imports)

    return tools()
