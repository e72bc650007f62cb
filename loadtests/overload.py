"""Ten times the normal load for a minute: more than the system can do; open arrivals, as loadtests/arrivals.py says.

READYGATE_TOKEN=... locust -f loadtests/overload.py --headless -u 1 --host URL
"""

from __future__ import annotations

from loadtests.arrivals import Arrivals
from loadtests.order import ORDER
from loadtests.shapes import phases

__all__ = ["Arrivals"]

ORDER.setdefault("phases", phases("overload", ORDER["tenants"]))
