import secrets

import httpx
import pytest

from fixtures.clients.api import Api
from fixtures.processes import processes
from fixtures.production import PAGES, debugging, levels, loud, planted_is_found, traced, unlimited
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

_LINES = 200
_LEVEL = "/level"


@check(
    "configuration.production-rules",
    title="Nothing runs as its developers run it: no debug switch, no reloading, no developers' page; TLS, limits",
    why="A debug page shows a program's inside to whoever finds it; a reloading process runs what lies in its folder.",
    fix="Take the switch away where the reason says; give each container its limits, and its lines a level of production.",
    needs=("api", "worker", "api.tls"),
    standards=("C41", "ASVS 5.0 13.4.2", "CWE-489", "ASVS 5.0 12.2.1"),
    minimum=20,
    broken_by=(
        Sabotage(
            id="debug-in-one-role",
            title="Debugging switched on by a variable of the worker's",
            compose={"services": {"{worker}": {"environment": {"DEBUG": "true"}}}},
            says="DEBUG is on",
        ),
        Sabotage(
            id="reloading-process-beside",
            title="A process that reloads code, started inside a healthy container",
            exec=({"role": "api", "detach": True, "command": ["sh", "-c", "sleep 600; : uvicorn app --reload"]},),
            says="--reload",
        ),
        Sabotage(
            id="api-with-any-number-of-processes",
            title="An API without a limit on its processes",
            compose={"services": {"{api}": {"pids_limit": -1}}},
            says="processes",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_production_rules(stack: ComposeStack, target: Target, api: Api, evidence: Evidence) -> None:
    if not planted_is_found():
        raise Unverified("a detector missed what was planted in its own input")
    containers = stack.containers()
    if unseen := [c.name for c in containers if not processes(c)]:
        raise Unverified(f"no process could be seen of {', '.join(unseen)}: run the gate on the engine's host as root")
    signs = [sign for container in containers for sign in debugging(container)]
    free = [f"{c.service}: {', '.join(missing)}" for c in containers if (missing := unlimited(c))]
    evidence.observed(len(containers), "containers: environment and command line of each process, and limits")
    served, shown = _asked(api, target, evidence)
    plain = _without_tls(stack, target)
    evidence.value("the same port without TLS", plain or "no answer")
    noisy = _noisy(stack, target, evidence)
    assert not signs, "made for developers: " + "; ".join(signs)
    assert not free, "without a limit on: " + "; ".join(free)
    assert not served, f"pages for developers are served: {', '.join(served)}"
    assert not shown, "an answer shows the inside: " + "; ".join(shown)
    assert not plain.startswith("2"), f"requests are answered without TLS: {plain}"
    assert not noisy, "lines that production does not write: " + "; ".join(noisy)


def _asked(api: Api, target: Target, evidence: Evidence) -> tuple[list[str], list[str]]:
    """Pages that are served, and answers that show a program's inside."""
    nowhere = f"/{secrets.token_hex(8)}"
    if api.get(nowhere, authorised=False).is_success:
        raise Unverified(f"GET {nowhere} is answered as if it were there, so a page that is there cannot be told")
    answers = {f"GET {path}": api.get(path, authorised=False) for path in PAGES}
    served = [f"{what} ({answer.status_code})" for what, answer in answers.items() if answer.is_success]
    job = target.job
    answers |= {
        f"GET {nowhere}": api.get(nowhere),
        f"{job.submit_method} with no JSON": api.request(
            job.submit_method, job.submit_path, headers={"Content-Type": "application/json"}
        ),
        f"{job.submit_method} of another shape": api.request(job.submit_method, job.submit_path, body=[[[]]]),
        "DELETE of the list": api.request("DELETE", job.submit_path),
        "GET with a wrong id": api.get(job.status_path.replace("{id}", "%00%ff'\"")),
    }
    evidence.observed(len(answers), "requests for pages of developers and requests that are wrong")
    evidence.value("answers", {what: answer.status_code for what, answer in answers.items()})
    shown = [f"{what}: {trace!r}" for what, answer in answers.items() if (trace := traced(answer.text))]
    return served, shown


def _without_tls(stack: ComposeStack, target: Target) -> str:
    host, port = stack.endpoint(target.api.service, target.api.port)
    try:
        answer = httpx.get(f"http://{host}:{port}{target.api.live}", timeout=3, follow_redirects=False)
    except httpx.HTTPError:
        return ""
    return str(answer.status_code)


def _noisy(stack: ComposeStack, target: Target, evidence: Evidence) -> list[str]:
    pointer = target.logs.level if target.logs else _LEVEL
    services = sorted({container.service for container in stack.containers()})
    found = {service: levels(stack.logs(service, _LINES).splitlines(), pointer) for service in services}
    evidence.value("lines by level", found)
    return [f"{service}: {', '.join(loud(counts))}" for service, counts in found.items() if loud(counts)]
