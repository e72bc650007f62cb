"""The API with a slow step that every request under /v1/ meets."""

from __future__ import annotations

import asyncio
import sys
import time

_TIMES = 10
_LEAST_S = 0.005  # what a request takes at least on a quiet machine


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
        app.user_middleware.append(Middleware(Slow))
        return app

    server.application = application
    return server.serve()


class Slow:
    """ASGI middleware, innermost."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        """Hold the answer back nine times as long as it took."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def late(message):
            if message["type"] == "http.response.start":
                await asyncio.sleep((_TIMES - 1) * max(_LEAST_S, time.monotonic() - began))
            await send(message)

        await self._app(scope, receive, late)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
