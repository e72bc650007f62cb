"""The API with a bug that only requests about jobs meet."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Serve, or report health."""
    if arguments == ["--healthcheck"]:
        from docjobs.api.probe import check

        return check()
    from starlette.middleware import Middleware

    from docjobs.api import server

    sound = server.application

    def application(settings):
        app = sound(settings)
        app.user_middleware.append(Middleware(Erroring))
        return app

    server.application = application
    return server.serve()


class Erroring:
    """ASGI middleware, innermost."""

    def __init__(self, app):
        self._app = app
        self._seen = 0

    async def __call__(self, scope, receive, send):
        """Fail on every third request about jobs."""
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            self._seen += 1
            if self._seen % 3 == 0:
                raise KeyError("a tenant without a plan")
        await self._app(scope, receive, send)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
