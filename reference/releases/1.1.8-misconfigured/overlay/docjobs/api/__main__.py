"""The API with a new required setting that its operators were not told of."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Serve, or report health."""
    if arguments == ["--healthcheck"]:
        from docjobs.api.probe import check

        return check()
    from docjobs.api import server
    from docjobs.settings import ApiSettings

    class Settings(ApiSettings):
        """The API's configuration."""

        plan_service_url: str

    server.ApiSettings = Settings
    return server.serve()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
