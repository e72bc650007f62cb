import secrets
import time

import httpx
import pytest

from fixtures.access import canary
from fixtures.clients.api import TEXT, Api, new_key
from fixtures.pointer import PointerError, at
from fixtures.stack import ComposeStack
from fixtures.template import fill, filled
from fixtures.wait import pause_until, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

_TRIES = 4
_BUSY = {429, 503}
_AFTERWARDS_S = 3.0  # what is looked up later than this is looked up by a system that works through a queue


@check(
    "access.client-addresses",
    title="Addresses that a client writes into a request lead the system to nothing inside its networks",
    why="A server that fetches what it is told to fetch opens to everybody what only it can reach.",
    fix="Call no address that a client gives; where the product needs it, from a proxy that knows which addresses are public.",
    needs=("api", "worker", "job"),
    standards=("C57", "ASVS 5.0 1.3.6", "API7:2023", "CWE-918"),
    minimum=10,
    broken_by=(
        Sabotage(
            id="addresses-followed",
            title="An API that looks up the address in a job's text before it takes the job",
            replace=(
                {
                    "file": "{access.code}",
                    "pattern": r"    settings = request\.app\.state\.settings\n    if len\(content\)",
                    "with": (
                        "    import contextlib, re, urllib.request\n\n"
                        '    for found in re.findall(rb"http://[0-9A-Za-z.:/]+", content):\n'
                        "        with contextlib.suppress(OSError):\n"
                        "            urllib.request.urlopen(found.decode(), timeout=2).read()\n"
                        "    settings = request.app.state.settings\n    if len(content)"
                    ),
                },
            ),
            says="text",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_client_addresses(stack: ComposeStack, api: Api, target: Target, evidence: Evidence) -> None:
    job = target.job
    with canary.listening() as listener:
        callers = [c for role in ("api", "worker") for c in stack.containers(role) if c.running and c.pid]
        found = canary.addresses(listener, stack.engine, callers)
        evidence.observed(len(callers), "containers from which the gate's listener was called, and heard")
        planted: dict[str, str] = {}
        accepted: list[str] = []
        for address in found:
            # The word in the address says by which request the system was led there.
            for lure in canary.lures(dict(job.body), dict(job.headers), "{url}"):
                word = secrets.token_hex(8)
                planted[word] = lure.where
                words = {"key": new_key(), "text": TEXT, "url": listener.url(address, word)}
                headers = {name: fill(value, words) for name, value in lure.headers.items()}
                answer = _asked(api, target, filled(lure.body, words), headers)
                if answer.status_code in _BUSY or answer.status_code >= 500:
                    raise Unverified(f"the request with an address in {lure.where} was answered {answer.status_code}")
                if answer.status_code in job.accepted:
                    accepted.append(_id(answer.json(), job.id_pointer))
        evidence.observed(len(planted), "requests with an address of the gate's listener")
        if not accepted:
            raise Unverified("no request with an address in it was accepted")
        until(lambda: all(api.outcome(one) != "pending" for one in accepted), job.timeout_s, "every accepted job ended")
        pause_until(time.monotonic() + _AFTERWARDS_S)
        led = sorted({planted[word] for word in listener.heard & planted.keys()})
    evidence.value("addresses", list(found))
    evidence.value("accepted", f"{len(accepted)} of {len(planted)}")
    assert not led, f"the system called the address that a client had written into {', '.join(led)}"


def _asked(api: Api, target: Target, body: object, headers: dict[str, str]) -> httpx.Response:
    """The answer; asked again while the system is busy with what others ask."""
    for _ in range(_TRIES):
        answer = api.request(target.job.submit_method, target.job.submit_path, body=body, headers=headers)
        if answer.status_code not in _BUSY:
            break
        pause_until(time.monotonic() + _AFTERWARDS_S)
    return answer


def _id(document: object, pointer: str) -> str:
    try:
        return str(at(document, pointer))
    except PointerError as error:
        raise Unverified(f"a submitted job has no id: {error}") from error
