"""Load that grows in four steps; open arrivals, as loadtests/arrivals.py says.

READYGATE_TOKEN=... locust -f loadtests/ramp.py --headless -u 1 --host URL
"""

from __future__ import annotations

from loadtests.arrivals import Arrivals
from loadtests.order import ORDER
from loadtests.shapes import phases

__all__ = ["Arrivals"]

ORDER.setdefault("phases", phases("ramp", ORDER["tenants"]))
