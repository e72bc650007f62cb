"""Twice the normal load for a minute, and normal load around it; open arrivals, as loadtests/arrivals.py says.

READYGATE_TOKEN=... locust -f loadtests/stress.py --headless -u 1 --host URL
"""

from __future__ import annotations

from loadtests.arrivals import Arrivals
from loadtests.order import ORDER
from loadtests.shapes import phases

__all__ = ["Arrivals"]

ORDER.setdefault("phases", phases("stress", ORDER["tenants"]))
