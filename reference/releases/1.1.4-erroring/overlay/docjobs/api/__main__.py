"""The API with a bug that every request under /v1/ meets."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Serve, or report health."""
    if arguments == ["--healthcheck"]:
        from docjobs.api.probe import check

        return check()
    from starlette.middleware import Middleware

    from docjobs.api import jobs, server

    sound = server.application

    def application(settings):
        app = sound(settings)
        app.user_middleware.append(Middleware(Erroring, routes=jobs.router.routes))
        return app

    server.application = application
    return server.serve()


class Erroring:
    """ASGI middleware, innermost."""

    def __init__(self, app, routes):
        self._app = app
        self._routes = routes

    async def __call__(self, scope, receive, send):
        """Fail where a handler would: once the route is known, so that it is counted as its own."""
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            for route in self._routes:
                match, found = route.matches(scope)
                if match.name == "FULL":
                    scope.update(found)
            raise KeyError("a tenant without a plan")
        await self._app(scope, receive, send)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
