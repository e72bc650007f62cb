"""Users who ask again and again without a pause: what one process of the load generator can do. A Locust file."""

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
