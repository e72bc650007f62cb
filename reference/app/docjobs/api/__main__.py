"""`python -m docjobs.api` serves until SIGTERM; `--healthcheck` exits 0 while /readyz answers 200."""

from __future__ import annotations

import sys

_USAGE = 2


def main(arguments: list[str]) -> int:
    """Serve, or report health; the imports wait until it is known which, as a health check must be cheap."""
    if arguments == ["--healthcheck"]:
        from docjobs.api.probe import check  # noqa: PLC0415

        return check()
    if arguments:
        sys.stderr.write("usage: python -m docjobs.api [--healthcheck]\n")
        return _USAGE
    from docjobs.api.server import serve  # noqa: PLC0415

    return serve()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
