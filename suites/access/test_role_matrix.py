from collections.abc import Callable

import pytest

from fixtures.access.asking import Answer, Call
from fixtures.access.exhibits import Exhibits, Job
from fixtures.access.operations import Operation
from fixtures.access.surface import Surface
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage

REFUSED = frozenset({401, 403, 404, 405})
_TRIES = 3
_OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")


@check(
    "access.role-matrix",
    title="Each role can do exactly what is declared for it",
    why="A role that can do a little more is found by whoever tries; one that can do less is found on the day it is needed.",
    fix="Compare the guard of that operation with [access] roles in readiness.toml, and correct the one that is wrong.",
    needs=("auth", "access.openapi", "access.roles", "api", "job"),
    standards=("C51", "ASVS 5.0 8.2.1", "API5:2023", "CWE-285"),
    minimum=6,
    broken_by=(
        Sabotage(
            id="role-check-inverted",
            title="An API that refuses the roles that may, and lets in those that may not",
            replace=({"file": "{access.code}", "pattern": r"if who\.role not in", "with": "if who.role in"},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_role_matrix(surface: Surface, exhibits: Exhibits, evidence: Evidence) -> None:
    matrix: dict[str, dict[str, str]] = {}
    wrong: list[str] = []
    unharmed: dict[str, Job] = {}
    tokens = surface.tokens(exhibits.tenant)
    wrong += _without_a_job(surface, tokens)
    assert not wrong, "; ".join(wrong[:8])
    for role in surface.roles:
        may = [operation for operation in surface.guarded if surface.allows(role, operation)]
        refused = [operation for operation in surface.guarded if operation not in may]
        waiting, done = exhibits.new(role), exhibits.done(role)
        answers = surface.asker.ask_all(
            [call for operation in refused for call in _attempts(surface, operation, tokens[role], (waiting, done))]
        )
        wrong += [f"{role} is not refused {answer}" for answer in answers if _let_in(answer)]
        unharmed[role] = waiting
        row = matrix.setdefault(role, dict.fromkeys((operation.name for operation in refused), "refused"))
        for operation in sorted(may, key=lambda operation: not operation.reads):
            answer = _served(surface, exhibits, operation, role, tokens[role])
            row[operation.name] = str(answer.status)
            wrong += [] if answer.succeeded else [f"{role} cannot {answer.call.operation}: {answer.status}"]
        evidence.observed(len(row), f"operations as {role}")
    evidence.value("what each role was answered", matrix)
    wrong += [
        f"{role} was refused, and a job is cancelled all the same"
        for role, job in unharmed.items()
        if exhibits.ended(job) == "cancelled"
    ]
    assert not wrong, "; ".join(wrong[:8])
    assert any(cell == "refused" for row in matrix.values() for cell in row.values()) or len(matrix) == 1, (
        "no role is refused anything: all of them are one"
    )


def _without_a_job(surface: Surface, tokens: dict[str, str]) -> list[str]:
    """A sentence for each operation that needs no job and is open to a role, or shut, against what is declared."""
    calls = [
        (role, operation, surface.call(operation, token=tokens[role]))
        for role in surface.roles
        for operation in surface.guarded
        if not operation.takes_id
    ]
    answers = surface.asker.ask_all([call for _, _, call in calls])
    return [
        f"{role} cannot {answer}" if surface.allows(role, operation) else f"{role} is not refused {answer}"
        for (role, operation, _), answer in zip(calls, answers, strict=True)
        if (not answer.succeeded if surface.allows(role, operation) else _let_in(answer))
    ]


def _attempts(surface: Surface, operation: Operation, token: str, jobs: tuple[Job, ...]) -> list[Call]:
    """The operation itself, and ways round a guard that looks at method and path by their letters."""
    calls = []
    for job in jobs if operation.takes_id else jobs[:1]:
        plain = surface.call(operation, value=job.id, token=token)
        calls.append(plain)
        calls.append(_changed(plain, path=plain.path + "/", what="a slash at its end"))
        calls.append(_changed(plain, path=plain.path.replace("/", "//", 1), what="two slashes at its begin"))
        calls.append(_changed(plain, path=plain.path + "?readiness=1", what="a query"))
        known = {other.method for other in surface.documented if other.path == operation.path}
        for method in sorted({"GET", "POST"} - known):
            headers = {**plain.headers, **dict.fromkeys(_OVERRIDES, operation.method)}
            calls.append(_changed(plain, method=method, headers=headers, what=f"{method} and a method override"))
        if operation.method == "GET":
            calls.append(_changed(plain, method="HEAD", what="HEAD in place of GET"))
    return calls


def _changed(call: Call, what: str, *, method: str = "", path: str = "", headers: dict[str, str] | None = None) -> Call:
    return Call(
        method or call.method,
        path or call.path,
        what=what,
        token=call.token,
        body=call.body,
        headers=call.headers if headers is None else headers,
        operation=call.operation,
    )


def _let_in(answer: Answer) -> bool:
    """A plain call must be refused by name; what is odd about the others may be answered in any way but by doing it."""
    if answer.call.what:
        return answer.succeeded
    return answer.status not in REFUSED


def _served(surface: Surface, exhibits: Exhibits, operation: Operation, role: str, token: str) -> Answer:
    """The answer of an allowed operation: of the first job that it can be done to. What reads may need one that is done,
    what ends one that waits, and what begins again one that was ended; on a slow machine a job is done before it is ended.
    """
    if not operation.takes_id:
        return surface.asker.ask(surface.call(operation, token=token))
    makers: list[Callable[[], Job]] = [lambda: exhibits.done(role), lambda: exhibits.new(role)]
    makers += [] if operation.reads else [lambda: _ended(surface, exhibits, role, token)] * _TRIES
    for make in makers:
        answer = surface.asker.ask(surface.call(operation, value=make().id, token=token))
        if answer.succeeded or answer.status in {401, 403}:
            break
    return answer


def _ended(surface: Surface, exhibits: Exhibits, role: str, token: str) -> Job:
    """A job on which everything that this role may do to one was tried, so that it is in a state other than done."""
    job = exhibits.new(role)
    for operation in surface.guarded:
        if operation.takes_id and not operation.reads and surface.allows(role, operation):
            surface.asker.ask(surface.call(operation, value=job.id, token=token))
            if exhibits.api.outcome(job.id) in {"cancelled", "failed"}:
                break
    return job
