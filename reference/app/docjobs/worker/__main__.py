"""`python -m docjobs.worker` serves the queue until SIGTERM; `--healthcheck` exits 0 while it does."""

from __future__ import annotations

import sys

_USAGE = 2


def main(arguments: list[str]) -> int:
    """Serve, or report health; the imports wait until it is known which, as a health check must be cheap."""
    if arguments == ["--healthcheck"]:
        from docjobs.worker.health import check  # noqa: PLC0415

        return check()
    if arguments:
        sys.stderr.write("usage: python -m docjobs.worker [--healthcheck]\n")
        return _USAGE
    from docjobs.worker.service import serve  # noqa: PLC0415

    return serve()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
