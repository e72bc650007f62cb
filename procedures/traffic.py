"""Harmless reads through the gateway, so that a release has something to be judged by when its users are asleep."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from procedures.settings import Settings
from procedures.shell import CommandFailed
from procedures.system import System
from procedures.window import Judgement

PATH = "/v1/jobs?limit=1"
TENANT = "deployment"
CLIENTS = 8  # so that a release that answers slowly is asked as often as a quick one
FEWEST = 20
FEWEST_FAILED = 5
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Read:
    """One request as its client saw it. `failed`: no answer, or one with 5xx."""

    began: float  # time.monotonic()
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
        context = ssl.create_default_context(cafile=str(Path(system.value("DOCJOBS_SECRETS"), "ca.crt")))
        return cls("localhost" if address.is_unspecified else str(address), int(port), context, token(system))


def token(system: System) -> str:
    """A token that may only read, of a tenant without jobs. Raises CommandFailed where none can be signed."""
    argv = (sys.executable, "-m", "procedures.token", "--tenant", TENANT, "--role", "auditor", "--ttl", "3600")
    return system.do(argv, "no token for reads of our own").stdout.strip()


class Reads:
    """Clients that read side by side until told to end; every answer is kept."""

    def __init__(self, door: Door, per_second: float) -> None:
        self.done: list[Read] = []
        self._door = door
        self._every_s = CLIENTS / per_second
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(each,), daemon=True) for each in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Send no more, and wait for the answers that are due."""
        self._ended.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_S)

    def _client(self, index: int) -> None:
        self._ended.wait(self._every_s * index / CLIENTS)
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
            self.done.append(Read(began, seconds, failed))
            self._ended.wait(max(0.0, self._every_s - seconds))
        connection.close()

    def _connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._door.host, self._door.port, timeout=_TIMEOUT_S, context=self._door.context
        )


def begin(system: System) -> tuple[Reads | None, str]:
    """Reads that have begun, or none and why."""
    if not (system.settings.bake_s and system.settings.bake_reads_per_s):
        return None, "DEPLOY_BAKE_READS_PER_S is 0" if system.settings.bake_s else "no bake time"
    try:
        return Reads(Door.of(system), system.settings.bake_reads_per_s), ""
    except (CommandFailed, OSError, ValueError) as error:
        return None, " ".join(str(error).split())


def judged(done: Sequence[Read], settings: Settings, *, since: float) -> Judgement:
    """Bad when, after `since`, too many failed or most were slow, beside the time before; good when enough were answered.

    Else `not judged`: that a few reads went well proves little.
    """
    new = [read for read in done if read.began >= since]
    failed = sum(read.failed for read in new)
    if failed >= FEWEST_FAILED and failed > settings.error_share * len(new):
        return Judgement("bad", f"{failed} of {len(new)} reads of our own failed", len(new), failed)
    old_ms = _median_ms([read for read in done if read.began < since])
    limit_ms = max(settings.median_floor_ms, settings.median_ratio * old_ms)
    median_ms = _median_ms(new)
    if len(new) >= FEWEST and median_ms > limit_ms:
        reason = f"half of {len(new)} reads of our own took {median_ms:.0f} ms or longer, more than {limit_ms:.0f} ms"
        return Judgement("bad", reason, len(new), failed, median_ms)
    said = f"{failed} of {len(new)} reads of our own failed"
    if len(new) - failed < settings.minimum_requests or failed > settings.error_share * len(new):
        return Judgement("not judged", f"{said}, {settings.minimum_requests:g} answered are needed", len(new), failed)
    return Judgement("good", f"{said}, half within {median_ms:.0f} ms", len(new), failed)


def _median_ms(reads: list[Read]) -> float:
    return 1000 * statistics.median(read.seconds for read in reads) if reads else 0.0
