"""Harmless reads through the gateway, so that a release has something to be judged by when its users are asleep."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from procedures.settings import Settings
from procedures.system import System
from procedures.window import Judgement

PATH = "/v1/jobs?limit=1"
TENANT = "deployment"
CLIENTS = 8  # so that a release that answers slowly is asked as often as a quick one
FEWEST = 10
FEWEST_FAILED = 5
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Read:
    """One request as its client saw it. `failed`: no answer, or one with 5xx."""

    seconds: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Door:
    """Where and as whom to read."""

    host: str
    port: int
    context: ssl.SSLContext
    token: str

    @classmethod
    def of(cls, system: System) -> Door:
        """The published port of this instance. Raises CommandFailed, OSError or ValueError when it cannot be used."""
        published = system.do(system.compose.published(), "the gateway publishes no port").stdout.strip()
        host, _, port = published.rpartition(":")
        address = ipaddress.ip_address(host.strip("[]"))
        argv = (sys.executable, "-m", "procedures.token", "--tenant", TENANT, "--role", "auditor", "--ttl", "3600")
        token = system.do(argv, "no token for reads of our own").stdout.strip()
        context = ssl.create_default_context(cafile=str(Path(system.value("DOCJOBS_SECRETS"), "ca.crt")))
        return cls("localhost" if address.is_unspecified else str(address), int(port), context, token)


class Reads:
    """Clients that read side by side until the block ends; every answer is kept."""

    def __init__(self, door: Door, per_second: float) -> None:
        self.done: list[Read] = []
        self._door = door
        self._every_s = CLIENTS / per_second
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(CLIENTS)]

    def __enter__(self) -> Reads:
        for index, thread in enumerate(self._threads):
            thread.start()
            self._ended.wait(self._every_s / CLIENTS if index < CLIENTS - 1 else 0)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Send no more, and wait for the answers that are due."""
        self._ended.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_S)

    def judgement(self, settings: Settings) -> Judgement:
        """Bad when too many failed or most were slow; else `not judged`: that a few reads went well proves little."""
        done = list(self.done)
        failed = sum(read.failed for read in done)
        if failed >= FEWEST_FAILED and failed > settings.error_share * len(done):
            return Judgement("bad", f"{failed} of {len(done)} reads of our own failed", len(done), failed)
        median_ms = 1000 * statistics.median(read.seconds for read in done) if done else 0.0
        if len(done) >= FEWEST and median_ms > settings.p95_ms:
            reason = f"half of {len(done)} reads of our own took more than {median_ms:.0f} ms"
            return Judgement("bad", reason, len(done), failed, median_ms)
        return Judgement("not judged", f"{failed} of {len(done)} reads of our own failed", len(done), failed)

    def _client(self) -> None:
        connection = self._connection()
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                connection.request("GET", PATH, headers={"Authorization": f"Bearer {self._door.token}"})
                answer = connection.getresponse()
                answer.read()
                failed = answer.status >= 500
            except (OSError, http.client.HTTPException):
                failed = True
                connection.close()
                connection = self._connection()
            seconds = time.monotonic() - began
            self.done.append(Read(seconds, failed))
            self._ended.wait(max(0.0, self._every_s - seconds))
        connection.close()

    def _connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._door.host, self._door.port, timeout=_TIMEOUT_S, context=self._door.context
        )
