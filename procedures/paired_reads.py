"""Reads one page of two servers by turns: whatever the machine does at that moment, it does to both.

Runs inside the container of the new release, as `python -` with this text and a call of `main` on its stdin: nothing of it
has to be in the image, and the token is in no argument and no environment. So it uses the standard library only.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

NO_ANSWER = 0
_TIMEOUT_S = 5.0
_WARM_UP_S = 2.0


def main(wish: str) -> int:
    """Carry out `wish` (JSON: new, live, path, token, reads, warm_up, within_s, metrics) and print one JSON line."""
    given = json.loads(wish)
    new, live = (Side(given[name], given["path"], given["token"]) for name in ("new", "live"))
    began = time.monotonic()
    for _ in range(given["warm_up"]):  # connections are made, statements prepared, pools filled
        new.read(kept=False)
        live.read(kept=False)
        if time.monotonic() >= began + _WARM_UP_S:
            break
    for turn in range(given["reads"]):
        for side in (new, live) if turn % 2 else (live, new):
            side.read(kept=True)
        if time.monotonic() >= began + given["within_s"]:
            break
    counted = _counted(given["new"], given["metrics"])
    sys.stdout.write(json.dumps({"new": new.record(), "live": live.record(), "counted": counted}) + "\n")
    return 0


class Side:
    """One server (`host:port`), its connection kept open, and what its reads were answered with."""

    def __init__(self, address: str, path: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_S)
        self._path = path
        self._headers = {"Authorization": f"Bearer {token}"}
        self._statuses: list[int] = []
        self._ms: list[float] = []

    def read(self, *, kept: bool) -> None:
        """One read; no answer has the status 0."""
        began = time.monotonic()
        try:
            self._connection.request("GET", self._path, headers=self._headers)
            answer = self._connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            status = NO_ANSWER
            self._connection.close()  # the next request opens it anew
        if kept:
            self._statuses.append(status)
            self._ms.append(round(1000 * (time.monotonic() - began), 3))

    def record(self) -> dict[str, Any]:
        return {"statuses": self._statuses, "ms": self._ms}


def _counted(address: str, names: list[str]) -> list[str] | None:
    """What the new server has counted by now, of metrics with these names; None when it does not say."""
    token_file = os.environ.get("DOCJOBS_METRICS_TOKEN_FILE")
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_S)
    try:
        headers = (
            {"Authorization": f"Bearer {Path(token_file).read_text(encoding='utf-8').strip()}"} if token_file else {}
        )
        connection.request("GET", "/metrics", headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    if answer.status != 200:
        return None
    return [line for line in text.splitlines() if line.startswith(tuple(names))]
