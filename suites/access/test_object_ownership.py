import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from fixtures.access.asking import Answer, Call
from fixtures.access.exhibits import Exhibits, Job, writing
from fixtures.access.surface import Surface
from fixtures.clients.api import new_key
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Json, Sabotage

# Headers by which a proxy or a test tells some systems whose request it is.
_CLAIMED = ("X-Tenant", "X-Tenant-Id", "X-Tenant-ID", "X-Org-Id", "X-User", "X-Forwarded-User")
_OWNERS = ("tenant", "tenant_id", "owner", "account", "id", "ids", "job_id")
_REFUSALS = frozenset({401, 403, 404})


@check(
    "access.object-ownership",
    title="Nobody of another tenant can see, list, find or change a job, whatever its id and the way it is asked for",
    why="An id that was seen in a link or a log must not open somebody else's documents.",
    fix="Name the tenant of the token in every query and every change, in the same statement that looks for the id.",
    needs=("auth", "access.openapi", "access.other_tenant", "api", "job"),
    standards=("C50", "ASVS 5.0 8.2.2", "ASVS 5.0 8.4.1", "API1:2023", "CWE-639"),
    minimum=10,
    broken_by=(
        Sabotage(
            id="tenant-not-looked-at",
            title="An API that looks for a job by its id alone",
            replace=(
                {
                    "file": "{access.code}",
                    "pattern": r"WHERE id = %\(id\)s AND tenant = %\(tenant\)s",
                    "with": "WHERE id = %(id)s",
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_object_ownership(surface: Surface, exhibits: Exhibits, evidence: Evidence) -> None:
    strangers = surface.tokens(surface.table.other_tenant)
    done = [exhibits.done(role) for role in exhibits.submitters]
    waiting: list[tuple[Job, str]] = []
    wrong: list[str] = []

    # First what changes something, on jobs that are new: what is done to one that has ended may fail for that alone.
    for role, token in strangers.items():
        for operation in writing(surface.guarded):
            job = exhibits.new()
            waiting.append((job, f"{role} of another tenant asked {operation.name}"))
            calls = [surface.call(operation, value=each.id, token=token) for each in (job, *done)]
            wrong += _unlike_unknown(surface, calls, surface.call(operation, value=new_key_like(job.id), token=token))
            evidence.observed(len(calls), f"changes asked by {role} of another tenant")
    for role, token in strangers.items():
        reading = [operation for operation in surface.guarded if operation.takes_id and operation.reads]
        for operation in reading:
            calls = [
                call
                for job in done
                for call in _in_disguise(surface.call(operation, value=job.id, token=token), exhibits.tenant)
            ]
            unknown = surface.call(operation, value=new_key_like(done[0].id), token=token)
            wrong += _unlike_unknown(surface, calls, unknown, words=[job.word for job in done])
            evidence.observed(len(calls), f"reads asked by {role} of another tenant")
    wrong += _listed(surface, exhibits, strangers, done, evidence)
    # The answer may have been the right one all the same, and the job gone.
    for job, what in waiting:
        if exhibits.ended(job) == "cancelled":
            wrong.append(f"{what}, and the job is cancelled")
    evidence.value("jobs that were asked for", len(waiting) + len(done))
    assert not wrong, "; ".join(dict.fromkeys(wrong)) if len(wrong) < 8 else "; ".join(wrong[:8])
    _demand_that_the_owner_sees(surface, exhibits, done)


def new_key_like(job_id: str) -> str:
    """An id of the same form that no job has."""
    key = iter(new_key() + new_key())
    return "".join(next(key, "0") if letter in "0123456789abcdef" else letter for letter in job_id)


def _unlike_unknown(surface: Surface, calls: list[Call], unknown: Call, words: list[str] | None = None) -> list[str]:
    """A sentence for each call that was answered otherwise than for an id that does not exist."""
    base, *answers = surface.asker.ask_all([unknown, *calls])
    return [
        f"{answer.call.operation} of another tenant's job{_with(answer)} answers {answer.status}, of no job {base.status}"
        for answer in answers
        if answer.succeeded
        or (answer.status != base.status and answer.status not in _REFUSALS)
        or any(word in answer.text for word in words or ())
    ]


def _with(answer: Answer) -> str:
    return f" with {answer.call.what}" if answer.call.what else ""


def _in_disguise(call: Call, tenant: str) -> Iterator[Call]:
    """The call itself, and the same with the owner's name wherever a careless system might look for it."""
    yield call
    for header in _CLAIMED:
        headers = {**call.headers, header: tenant}
        yield replace(call, what=f"the header {header}", headers=headers)
    query = "&".join(f"{name}={tenant}" for name in _OWNERS[:4])
    yield replace(call, path=f"{call.path}?{query}", what="the owner in its query")


def _listed(
    surface: Surface, exhibits: Exhibits, strangers: dict[str, str], done: list[Job], evidence: Evidence
) -> list[str]:
    """A sentence for each list in which another tenant's job stands, whatever filters and cursors it was asked with."""
    owner = surface.token(surface.target.auth.role, exhibits.tenant)
    found = []
    for operation in surface.guarded:
        if operation.takes_id or operation.method != "GET":
            continue
        own = surface.asker.ask_all([surface.call(operation, token=owner)])[0]
        if own.succeeded and not any(job.id in own.text for job in done):
            raise Unverified(f"{operation.name} does not even list the job of who asks, so nothing is known of others'")
        first = surface.asker.ask(Call("GET", f"{operation.path}?limit=1", token=owner, operation=operation.name))
        values = [*_cursors(first.text), exhibits.tenant, *(job.id for job in done[:1])]
        queries = [""] + [
            f"?{name}={value}"
            for name in dict.fromkeys((*operation.query, *_OWNERS))
            for value in dict.fromkeys(values)
        ]
        for role, token in strangers.items():
            answers = surface.asker.ask_all(
                [Call("GET", operation.path + query, query, token=token, operation=operation.name) for query in queries]
            )
            evidence.observed(len(answers), f"lists asked by {role} of another tenant")
            if surface.allows(role, operation) and not answers[0].succeeded:
                raise Unverified(f"{role} of another tenant cannot list its own jobs: {answers[0]}")
            found += [
                f"{role} of another tenant finds a job by {answer.call.operation}{answer.call.what}"
                for answer in answers
                if any(job.id in answer.text and job.id not in answer.call.what for job in done)
                or any(job.word in answer.text for job in done)
            ]
    return found


def _cursors(text: str) -> list[str]:
    """What may be a cursor in a page: the texts beside its items."""
    try:
        page: Json = json.loads(text)
    except ValueError:
        return []
    return [value for value in page.values() if isinstance(value, str)] if isinstance(page, dict) else []


def _demand_that_the_owner_sees(surface: Surface, exhibits: Exhibits, done: list[Job]) -> None:
    """What nobody sees is hidden from nobody in particular."""
    owner = surface.token(surface.target.auth.role, exhibits.tenant)
    reading = [operation for operation in surface.guarded if operation.takes_id and operation.reads]
    seen = [surface.asker.ask(surface.call(operation, value=done[0].id, token=owner)) for operation in reading]
    if not any(answer.succeeded for answer in seen):
        raise Unverified("not even the owner sees the job, so nothing is known of others")
