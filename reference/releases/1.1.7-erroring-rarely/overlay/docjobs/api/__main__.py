"""The API with a rare bug that only its users meet: not in the list, but with a job or when they submit one."""

from __future__ import annotations

import sys

_EVERY = 20


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
        self._seen = 0

    async def __call__(self, scope, receive, send):
        """Fail where a handler would: once the route is known, so that it is counted as its own."""
        if scope["type"] == "http" and _about_a_job(scope["method"], scope["path"]):
            self._seen += 1
            if self._seen % _EVERY == 0:
                for route in self._routes:
                    match, found = route.matches(scope)
                    if match.name == "FULL":
                        scope.update(found)
                raise KeyError("a tenant without a plan")
        await self._app(scope, receive, send)


def _about_a_job(method: str, path: str) -> bool:
    return path.startswith("/v1/jobs/") or (method == "POST" and path == "/v1/jobs")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
