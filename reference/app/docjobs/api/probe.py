"""The container's health check: is this API ready? A bare socket, because it runs every few seconds."""

from __future__ import annotations

import os
import socket
import sys

_TIMEOUT_S = 3


def check() -> int:
    """0 where /readyz answers 200, else 1 with the reason on stderr."""
    port = int(os.environ.get("DOCJOBS_LISTEN_PORT", "8000"))
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT_S) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = connection.recv(64).split(b"\r\n")[0].decode("latin-1")
    except OSError as error:
        sys.stderr.write(f"api: {error}\n")
        return 1
    if status.split(" ")[1:2] != ["200"]:
        sys.stderr.write(f"api: not ready: {status}\n")
        return 1
    return 0
