"""Does the tasks: some at a time, one thread each, and one more thread that keeps their leases."""

from __future__ import annotations

import os
import signal
import socket
import threading
import uuid
from collections.abc import Callable

import psycopg

from mailroom import BEAT_FILE, LEASE_S, RELEASE
from mailroom.database import Connection, as_app
from mailroom.layout import lay_out
from mailroom.log import say
from mailroom.queue import Held, give_up, post, renew, take

LANES = 3
IDLE_S = 0.3
STEPS = 4
BEAT_S = LEASE_S / 4
RUNNER = socket.gethostname()


class Runner:
    """The threads of one process and what they hold."""

    def __init__(self, pace_s: float) -> None:
        self.pace_s = pace_s
        self.stop = threading.Event()
        self.done = threading.Event()
        self.holders: set[uuid.UUID] = set()

    def work(self) -> None:
        """Take and do tasks until told to stop; the task in hand is finished first."""
        self._connected(self._next, self.stop)

    def beat(self) -> None:
        """Renew leases until the last task is done; the file tells the health check that this still happens."""
        self._connected(self._renew, self.done)

    def _connected(self, act: Callable[[Connection], None], until: threading.Event) -> None:
        while not until.is_set():
            try:
                with as_app() as connection:
                    while not until.is_set():
                        act(connection)
            except psycopg.Error as error:
                say("runner", "warning", "no database, trying again", error=str(error).strip())
                until.wait(1)

    def _renew(self, connection: Connection) -> None:
        renew(connection, list(self.holders))
        BEAT_FILE.touch()
        self.done.wait(BEAT_S)

    def _next(self, connection: Connection) -> None:
        held = take(connection)
        if held is None:
            self.stop.wait(IDLE_S)
            return
        self.holders.add(held.holder)
        try:
            self._do(connection, held)
        finally:
            self.holders.discard(held.holder)

    def _do(self, connection: Connection, held: Held) -> None:
        say("runner", "info", "task taken", task=held.ref, attempt=held.attempt)
        try:
            layout = lay_out(held.letter)
        except ValueError as error:
            give_up(connection, held, str(error))
            say("runner", "error", "task broken", task=held.ref, error=str(error))
            return
        for _ in range(STEPS):
            self.done.wait(self.pace_s / STEPS)
        posted = post(connection, held, layout, RUNNER)
        say("runner", "info" if posted else "warning", "task done" if posted else "lease lost", task=held.ref)


def end_all(dead: threading.ExceptHookArgs) -> None:
    """End the process when one of its threads dies: half a runner would look healthy, a new one is whole."""
    say("runner", "critical", "a thread died", error=repr(dead.exc_value))
    os._exit(1)


def main() -> None:
    threading.excepthook = end_all
    runner = Runner(int(os.environ["MAILROOM_PACE_MS"]) / 1000)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: runner.stop.set())
    beat = threading.Thread(target=runner.beat)
    lanes = [threading.Thread(target=runner.work) for _ in range(LANES)]
    for thread in (beat, *lanes):
        thread.start()
    say("runner", "info", "started", lanes=LANES, release=RELEASE)
    for thread in lanes:
        thread.join()
    runner.done.set()
    beat.join()
    say("runner", "info", "stopped")


if __name__ == "__main__":
    main()
