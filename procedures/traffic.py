"""A few harmless reads through the gateway, so that a release has something to be judged by when users are asleep."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path

from procedures.shell import CommandFailed
from procedures.system import System

PATH = "/v1/jobs?limit=1"
TENANT = "deployment"
_TIMEOUT_S = 5.0


@dataclass(slots=True)
class Reader:
    """Reads as a client would. Counts what it sent, and what failed: no answer, or one with 5xx."""

    host: str
    port: int
    context: ssl.SSLContext
    token: str
    sent: int = 0
    failed: int = 0
    _connection: http.client.HTTPSConnection | None = field(default=None, repr=False)

    @classmethod
    def of(cls, system: System) -> Reader:
        """A reader of this instance. Raises CommandFailed or OSError when it may not or cannot read."""
        published = system.do(system.compose.published(), "the gateway publishes no port").stdout.strip()
        host, _, port = published.rpartition(":")
        argv = (sys.executable, "-m", "procedures.token", "--tenant", TENANT, "--role", "auditor", "--ttl", "600")
        token = system.do(argv, "no token for reads of our own").stdout.strip()
        context = ssl.create_default_context(cafile=str(Path(system.value("DOCJOBS_SECRETS"), "ca.crt")))
        address = ipaddress.ip_address(host.strip("[]"))
        return cls("localhost" if address.is_unspecified else str(address), int(port), context, token)

    def read(self) -> None:
        """One read, on the connection of the one before when that is still open."""
        self.sent += 1
        try:
            if self._connection is None:
                self._connection = http.client.HTTPSConnection(
                    self.host, self.port, timeout=_TIMEOUT_S, context=self.context
                )
            self._connection.request("GET", PATH, headers={"Authorization": f"Bearer {self.token}"})
            answer = self._connection.getresponse()
            answer.read()
            if answer.status >= 500:
                self.failed += 1
        except (OSError, http.client.HTTPException):
            self.failed += 1
            self._connection = None


def reader(system: System) -> tuple[Reader | None, str]:
    """A reader, or none and the reason."""
    try:
        return Reader.of(system), ""
    except (CommandFailed, OSError, ValueError) as error:
        return None, " ".join(str(error).split())
