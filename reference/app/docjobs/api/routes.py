"""`python -m docjobs.api.routes` prints every route that this release's API has, documented or not: GET /v1/jobs."""

from __future__ import annotations

import sys

from starlette.routing import Route

from docjobs.api.server import application
from docjobs.settings import ApiSettings


def main() -> int:
    """One line a method and path."""
    routes = (route for route in application(ApiSettings.load()).routes if isinstance(route, Route))
    lines = {f"{method} {route.path}" for route in routes for method in route.methods or ()}
    sys.stdout.write("".join(f"{line}\n" for line in sorted(lines)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
