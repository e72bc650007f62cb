"""Takes letters and tells how far they are: POST /tasks, GET /tasks/{ref}, GET /alive, GET /serving, GET /about."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import psycopg

from mailroom import PORT, RELEASE
from mailroom.database import as_app
from mailroom.log import say

LARGEST = 65_536
LAST_S = 1


class Refused(Exception):
    """The request cannot be served, and with which status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "mailroom"
    sys_version = ""
    timeout = 15
    idle: ClassVar[set[socket.socket]] = set()
    leaving: ClassVar[bool] = False

    @classmethod
    def leave(cls) -> None:
        """Wait for no request that has not begun: connections that are kept would hold the process up until they time out."""
        cls.leaving = True
        for connection in tuple(cls.idle):
            with suppress(OSError):  # the other side was faster
                connection.shutdown(socket.SHUT_RD)

    def handle_one_request(self) -> None:
        self.idle.add(self.connection)
        try:
            if self.leaving:
                self.connection.settimeout(LAST_S)  # for a request that is there already
            super().handle_one_request()
        finally:
            self.idle.discard(self.connection)

    def parse_request(self) -> bool:
        self.idle.discard(self.connection)  # its first line is here
        return super().parse_request()

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002  (the base class's words)
        """One line a request, without its query: that may hold what must not be logged."""
        path = getattr(self, "path", "").partition("?")[0]
        say("web", "info", "answered", method=self.command, path=path, status=int(code) if code != "-" else None)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002  (the base class names it so)
        """What the base class says of its own holds the request's line, which may be anything."""
        say("web", "warning", format)

    def _get(self) -> tuple[int, dict[str, Any]]:
        if self.path == "/alive":
            return 200, {"alive": True}
        if self.path == "/about":
            return 200, {"mailroom": {"release": RELEASE}}
        if self.path == "/serving":
            with as_app() as connection:
                connection.execute("SELECT FROM task LIMIT 1")
            return 200, {"serving": True}
        found = re.fullmatch(r"/tasks/([0-9a-f]{32})", self.path)
        if not found:
            raise Refused(404, "there is nothing here")
        with as_app() as connection:
            row = connection.execute(
                "SELECT state AS status, attempts, layout, error FROM task WHERE ref = %s", [found[1]]
            ).fetchone()
        if row is None:
            raise Refused(404, "there is no such task")
        return 200, row

    def _post(self) -> tuple[int, dict[str, Any]]:
        body = self._body()
        if self.path != "/tasks":
            raise Refused(404, "there is nothing here")
        task = body.get("task")
        name, letter = (task.get("name"), task.get("letter")) if isinstance(task, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(letter, str) or not name or not letter or "\0" in name + letter:
            raise Refused(400, "task must have a name and a letter, both texts")
        with as_app() as connection:
            row = connection.execute(
                "INSERT INTO task (name, letter) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING RETURNING ref, state",
                [name, letter],
            ).fetchone()
            if row:
                return 201, {"task": {"ref": row["ref"], "status": row["state"]}}
            row = connection.execute("SELECT ref, state, letter FROM task WHERE name = %s", [name]).fetchone()
        if row is None or row["letter"] != letter:
            raise Refused(409, "there is another letter of this name")
        return 200, {"task": {"ref": row["ref"], "status": row["state"]}}

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST:
            self.close_connection = True  # the rest of the request is still on the wire
            raise Refused(413 if length.isdigit() else 411, f"a body of at most {LARGEST} bytes is needed")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise Refused(400, "the body is not JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "the body is not an object")
        return body

    def _answer(self, serve: Callable[[], tuple[int, dict[str, Any]]]) -> None:
        try:
            status, answer = serve()
        except Refused as refusal:
            status, answer = refusal.status, {"error": str(refusal)}
        except psycopg.Error as error:
            say("web", "error", "no database", error=str(error).strip())
            status, answer = 503, {"error": "the mailroom is closed for the moment"}
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


class Server(ThreadingHTTPServer):
    # Of five, the default, the sixth that comes at a moment is let in after a second's repetition.
    request_queue_size = 128


def main() -> None:
    server = Server(("0.0.0.0", PORT), Handler)  # noqa: S104  # nosec B104: compose publishes it on 127.0.0.1
    server.daemon_threads = False  # requests in hand are answered before the process ends
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    say("web", "info", "serving", port=PORT, release=RELEASE)
    server.serve_forever(poll_interval=0.1)
    Handler.leave()
    server.server_close()
    say("web", "info", "stopped")


if __name__ == "__main__":
    main()
