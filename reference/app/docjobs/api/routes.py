"""`python -m docjobs.api.routes` prints every route that this release's API has, documented or not: GET /v1/jobs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from starlette.routing import BaseRoute, Route

from docjobs.api.server import application
from docjobs.settings import ApiSettings


def lines(routes: Iterable[BaseRoute]) -> Iterator[str]:
    """Method and path of each route, also of included routers. Raises TypeError for what it does not know."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if isinstance(route, Route):
            yield from (f"{method} {route.path}" for method in route.methods or ())
        elif included is not None:
            yield from lines(included.routes)
        else:
            raise TypeError(f"{type(route).__name__} is no route that is known here")


def main() -> int:
    """One line a method and path."""
    found = sorted(set(lines(application(ApiSettings.load()).routes)))
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
