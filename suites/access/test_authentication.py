import pytest

from fixtures.access.asking import Answer, Call
from fixtures.access.exhibits import Exhibits
from fixtures.access.surface import Surface
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage

# The whole header, by what is wrong with it; none of them is a token.
MALFORMED = {
    "no credentials": None,
    "a bearer without a token": "Bearer",
    "a word for a token": "Bearer readiness",
    "an empty token": "Bearer ..",
    "basic credentials": "Basic cmVhZGluZXNzOnJlYWRpbmVzcw==",
    "a scheme of its own": "Readiness readiness",
}
UNAUTHORISED = 401


@check(
    "access.authentication",
    title="Every operation refuses whoever brings no credentials, but for those that are declared public",
    why="One route that was added without its guard is an open door; nobody reads the whole list again.",
    fix="Put the guard on that route, best on all at once; or declare it under [access] public in readiness.toml.",
    needs=("auth", "access.openapi", "api", "job"),
    standards=("C49", "ASVS 5.0 8.2.1", "API2:2023", "CWE-306"),
    minimum=20,
    broken_by=(
        Sabotage(
            id="anonymous-is-somebody",
            title="An API that takes whoever has no token for somebody",
            replace=(
                {
                    "file": "{access.code}",
                    "pattern": r"(if credentials is None:\n\s+)raise .*",
                    "with": r'\1return Caller("acme", "operator@acme", "operator")',
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_authentication(surface: Surface, exhibits: Exhibits, evidence: Evidence) -> None:
    job, places = exhibits.submitted().id, ("", *surface.replicas())
    public = [operation for operation in surface.operations if surface.is_public(operation)]
    guarded = [operation for operation in surface.operations if not surface.is_public(operation)]
    evidence.value("public operations", [operation.name for operation in public])
    evidence.value(
        "operations that need credentials",
        [operation.name + ("" if operation.documented else " (not documented)") for operation in guarded],
    )
    calls = [
        surface.call(operation, value=job, credentials=header, what=what, where=where)
        for operation in guarded
        for where in places
        for what, header in MALFORMED.items()
    ]
    answers = surface.asker.ask_all(calls)
    evidence.observed(len(answers), "requests without credentials")
    open_to_all = [answer for answer in answers if not _refused(answer)]
    assert not open_to_all, f"not refused: {'; '.join(map(str, open_to_all[:8]))}"
    _demand_that_a_token_opens(surface, job)


def _refused(answer: Answer) -> bool:
    """401; or, from where clients connect, that there is no such path: what is not documented may be hidden there."""
    return answer.status == UNAUTHORISED or (not answer.call.where and answer.status in {404, 405})


def _demand_that_a_token_opens(surface: Surface, job: str) -> None:
    """What refuses everybody refuses nobody in particular: each operation must know a good token from none."""
    calls: list[Call] = [
        surface.call(operation, value=job, token=surface.token(role))
        for operation in surface.guarded
        for role in surface.roles
    ]
    opened = {answer.call.operation for answer in surface.asker.ask_all(calls) if answer.status != UNAUTHORISED}
    shut = sorted({operation.name for operation in surface.guarded} - opened)
    if shut:
        raise Unverified(f"refuses good tokens as well, so nothing is known of its guard: {', '.join(shut)}")
