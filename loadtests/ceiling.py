"""Users who ask for one path (`status_path` of the order) again and again without a pause: what one process can send.

READYGATE_LOAD=order.json locust -f loadtests/ceiling.py --headless -u 16 -t 10s --host URL; `benchmarks/load.py` does.
"""

from __future__ import annotations

from locust import constant, task

from loadtests.client import Client
from loadtests.order import ORDER


class Looker(Client):
    """Asks, and asks again."""

    wait_time = constant(0)

    @task
    def look(self) -> None:
        """One request."""
        self.get(ORDER["status_path"], "", name="look")
