"""`python -P -m readygate.release`: the built-in release commands, for systems that bring a compose file alone."""

from __future__ import annotations

import sys

from readygate.command import tree


def main() -> int:
    sys.path.insert(0, str(tree()))
    from fixtures.in_place.command import main as command  # noqa: PLC0415  (the path above has to be set first)

    return command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
