"""A generator that hardly gets a processor, for the proof that this is noticed: most of each second goes to something else."""

from __future__ import annotations

import time

import gevent

WORKS_S = 0.3  # long enough for single requests, and for a load to reach its end
IDLES_S = 0.7


def starve() -> None:
    """Keep everybody else of this process waiting, again and again, for as long as it lives."""
    while True:
        until = time.monotonic() + IDLES_S
        while time.monotonic() < until:
            pass
        gevent.sleep(WORKS_S)
