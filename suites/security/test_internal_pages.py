import httpx
import pytest

from fixtures.clients.api import base_url, client_of
from fixtures.clients.docker import Container
from fixtures.exposure import for_others
from fixtures.network import pages
from fixtures.stack import ComposeStack
from fixtures.wait import Unreachable
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "security.internal-pages",
    title="Metrics, API documents, consoles and other pages for those inside cannot be had through any published port",
    why="Metrics name every customer's traffic and documents every way in; both are written for those who run the system.",
    fix="Let the gateway pass on the paths of the API alone; name what everybody may see under [network] pages.",
    needs=("api",),
    standards=("C58", "ASVS 5.0 13.4.5", "API9:2023", "CWE-200"),
    minimum=len(pages.INTERNAL),
    broken_by=(
        Sabotage(
            id="metrics-published",
            title="The collection of metrics on a published port",
            compose={
                "networks": {"way-out": {}},
                "services": {"{metrics}": {"networks": {"way-out": {}}, "ports": ["0.0.0.0::9090"]}},
            },
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_internal_pages(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    with httpx.Client(timeout=5, trust_env=False) as plain, pages.planted() as (base, path):
        if list(pages.open_pages(plain, base)) != [path]:
            raise Unverified("a page that the gate itself serves was not found, or one that it does not serve was")
    wrong = []
    for container, port in for_others(stack, stack.declared):
        where = f"{container.service}:{port}"
        try:
            found = _through(stack, target, container, port)
        except Unreachable as error:
            if where == f"{target.api.service}:{target.api.port}":
                raise Unverified(f"the system's own port gives no answer: {error}") from error
            evidence.value(f"asked at {where}", f"speaks no HTTP: {error}")
            continue
        evidence.value(f"asked at {where}", found or "nothing that is not there")
        evidence.observed(len(pages.INTERNAL), "pages asked for")
        wrong += [f"{path} answers {status} at {where}" for path, status in found.items()]
    assert not wrong, "meant for those inside, and to be had from outside: " + "; ".join(wrong)


def _through(stack: ComposeStack, target: Target, container: Container, port: int) -> dict[str, int]:
    if (container.service, port) == (target.api.service, target.api.port):
        with client_of(stack) as client:
            return pages.open_pages(client, base_url(stack), target.network.pages)
    address = container.published(port)
    if address is None:
        raise Unreachable("published on no address of version 4")
    with httpx.Client(timeout=5, trust_env=False) as client:
        return pages.open_pages(client, f"http://{address[0]}:{address[1]}", target.network.pages)
