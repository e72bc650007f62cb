import secrets

import pytest

from fixtures.access.exhibits import Exhibits
from fixtures.access.operations import Operation
from fixtures.access.surface import Surface
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage

# Where frameworks and proxies put what is for operators or developers.
_INTERNAL = (
    "metrics",
    "docs",
    "redoc",
    "openapi.json",
    "openapi.yaml",
    "swagger.json",
    "swagger-ui/",
    "api-docs",
    "admin",
    "admin/",
    "debug",
    "debug/pprof/",
    "debug/vars",
    "actuator",
    "actuator/env",
    "console",
    "graphql",
    "stats",
    "haproxy?stats",
    "nginx_status",
    "server-status",
    "status",
    "config",
    "env",
    ".env",
    ".git/config",
    "internal",
    "v1/docs",
    "v1/openapi.json",
    "v1/metrics",
    "v2/",
    "static/",
)
_ABSENT = frozenset({404, 405, 410})


@check(
    "access.inventory",
    title="What answers where clients connect is what is documented, no more and no less, and each operation says whom it asks",
    why="What nobody knows of is not looked at: an old version, a page for operators, a debugger that was left on.",
    fix="Take the path out of what the gateway lets through, or document it with its security.",
    needs=("auth", "access.openapi", "api", "job"),
    standards=("C58", "ASVS 5.0 13.4.5", "API9:2023", "CWE-1059"),
    minimum=20,
    broken_by=(
        Sabotage(
            id="document-for-everybody",
            title="An API that explains itself to everybody",
            replace=({"file": "{access.code}", "pattern": r"docs_url=None,", "with": 'docs_url="/v1/docs",'},),
            says="/v1/docs",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_inventory(surface: Surface, exhibits: Exhibits, evidence: Evidence) -> None:
    job, token = exhibits.done().id, surface.token()
    documented = {operation.path for operation in surface.documented}
    hidden = {operation.path: operation for operation in surface.operations if not operation.documented}
    paths = [path for path in dict.fromkeys((*hidden, *(f"/{name}" for name in _INTERNAL))) if path not in documented]
    known = {(operation.method, operation.path) for operation in surface.documented}
    # A path of which nobody has ever heard shows what is answered to all of them.
    nothing = f"/readiness-{secrets.token_hex(8)}"
    calls = [
        surface.plain(
            "GET",
            hidden[path].at(job) if path in hidden else path,
            token=one,
            what="no token" if one is None else "",
        )
        for path in (nothing, *paths)
        for one in (None, token)
    ]
    answers = surface.asker.ask_all(calls)
    usual = {answer.call.token: answer.status for answer in answers[:2]}
    evidence.value("what a path that does not exist is answered with", sorted(usual.values()))
    beside = {
        str(answer)
        for answer in answers[2:]
        if answer.succeeded or (answer.status not in _ABSENT and answer.status != usual[answer.call.token])
    }
    # A method beside those that are documented. HEAD is GET without its answer, OPTIONS tells and does nothing.
    others = surface.asker.ask_all(
        [
            surface.plain(method, operation.at(job), token=token)
            for operation in {operation.path: operation for operation in surface.documented}.values()
            for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE")
            if (method, operation.path) not in known
        ]
    )
    beside |= {str(answer) for answer in others if answer.succeeded}
    evidence.observed(len(answers) + len(others), "requests for what is not documented")
    present = surface.asker.ask_all(
        [surface.call(operation, value=job, token=token) for operation in surface.documented if operation.reads]
    )
    evidence.observed(len(present), "requests for what is documented")
    missing = [str(answer) for answer in present if answer.status in _ABSENT]
    said = [problem for operation in surface.documented if (problem := _security(surface, operation))]
    evidence.value("documented operations", [operation.name for operation in surface.documented])
    assert not beside, f"answered, and not documented: {'; '.join(sorted(beside)[:8])}"
    assert not missing, f"documented, and not there: {'; '.join(missing[:8])}"
    assert not said, "; ".join(said[:8])
    if not any(answer.succeeded for answer in present):
        raise Unverified("nothing that is documented was answered, so nothing is known of what is not")


def _security(surface: Surface, operation: Operation) -> str:
    """What the document says wrongly, or not at all, of who is asked for credentials."""
    if surface.is_public(operation):
        return (
            f"the document says that {operation.name} needs credentials, and it is public" if operation.secured else ""
        )
    if operation.secured is None:
        return f"the document does not say whether {operation.name} needs credentials"
    return "" if operation.secured else f"the document says that {operation.name} needs no credentials"
