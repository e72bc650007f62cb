from collections.abc import Iterable

import httpx
import pytest

from fixtures import passwords
from fixtures.access import doors, knocking
from fixtures.access.surface import Surface
from fixtures.network.surroundings import Surroundings
from fixtures.wait import Unreachable
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

_OPENED_TO_ADMIN = """
import base64, http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = self.headers.get("Authorization", "")
        self.send_response(200 if said == "Basic " + base64.b64encode(b"admin:admin").decode() else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="maintenance"')
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.HTTPServer(("", 7080), Page).serve_forever()
"""


@check(
    "security.default-logins",
    title="No page and no operation that asks for a name and a password lets in those that everybody tries first",
    why="A page for administrators is one request away from whoever gets into its network, and admin/admin is the first one.",
    fix="Set a random password before the first start, or switch the log-in off where nobody needs it.",
    needs=("api",),
    standards=("C33", "ASVS 5.0 6.3.2", "ASVS 5.0 13.2.3", "CWE-1392"),
    minimum=len(doors.PAGES),
    broken_by=(
        Sabotage(
            id="page-with-a-default-password",
            title="A page for maintenance in a worker, with the name admin and the password admin",
            says="admin",
            exec=({"role": "worker", "detach": True, "command": ["python3", "-c", _OPENED_TO_ADMIN]},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_default_logins(
    surroundings: Surroundings, request: pytest.FixtureRequest, target: Target, evidence: Evidence
) -> None:
    stack = surroundings.stack
    words = (target.name, *(c.service for c in stack.containers()))
    with knocking.visitor() as client:
        knocking.demand_that_it_tells_doors_apart(client, passwords.pairs(words))
        servers = knocking.servers(client, surroundings)
        found = [door for server in servers for door in server.doors]
        if target.access and "access.openapi" in target.capabilities():
            found += _documented(request.getfixturevalue("surface"))
        evidence.value("ports that speak HTTP", [server.place for server in servers])
        evidence.observed(len(servers) * len(doors.PAGES), "pages asked for")
        evidence.value("asks for a name and a password", [str(door) for door in found] or _nobody(target))
        if idle := sorted({*target.services("dashboards")} - {c.service for c in stack.containers("dashboards")}):
            evidence.value("does not run, so its log-in was not tried", idle)
        wrong, silent = _knocked(client, found, passwords.pairs(words), evidence)
    assert not wrong, "; ".join(wrong)
    if silent:
        raise Unverified("; ".join(silent))


def _knocked(
    client: httpx.Client, found: Iterable[doors.Door], pairs: tuple[knocking.Pair, ...], evidence: Evidence
) -> tuple[list[str], list[str]]:
    """What is wrong with the doors, and which gave no answer."""
    wrong, silent = [], []
    for door in found:
        try:
            tried, opened = knocking.knock(client, door, pairs)
        except Unreachable as error:
            silent.append(str(error))
            continue
        evidence.observed(tried, "names and passwords tried")
        wrong += opened
    return wrong, silent


def _documented(surface: Surface) -> list[doors.Door]:
    try:
        return list(doors.of_description(surface.document, surface.documented, surface.replicas()[0]))
    except httpx.InvalidURL as error:
        raise Unverified(f"the OpenAPI document names a log-in that is no address: {error}") from error


def _nobody(target: Target) -> str:
    documented = "" if target.access else ", and no OpenAPI document is given that could name a log-in"
    return f"nothing: what answers does so without, or wants another kind of credentials{documented}"
