import json
from dataclasses import replace

import jsonschema
import pytest

from fixtures.access.asking import Answer
from fixtures.access.exhibits import Exhibits
from fixtures.access.properties import closed, injected
from fixtures.access.surface import Surface
from fixtures.clients.api import new_key
from fixtures.pointer import PointerError, at
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "access.properties",
    title="A client cannot set what is not its own to set, and no answer holds more than is documented",
    why="Who may post a job may not thereby post its owner or its state; what answers hold beside is read by someone.",
    fix="Refuse unknown fields in requests, and build answers from a declared schema rather than from the row.",
    needs=("auth", "access.openapi", "access.other_tenant", "api", "job"),
    standards=("C52", "ASVS 5.0 8.2.3", "ASVS 5.0 15.3.1", "ASVS 5.0 15.3.3", "API3:2023", "CWE-915"),
    minimum=10,
    broken_by=(
        Sabotage(
            id="answer-with-internals",
            title="An API whose answers hold whatever the row holds",
            replace=(
                {
                    "file": "{access.code}",
                    "pattern": r"class Links\(BaseModel\):",
                    "with": 'class Links(BaseModel, extra="allow"):',
                },
                {
                    "file": "{access.code}",
                    "pattern": r'return Links\(self=(f"[^"]*"),',
                    "with": r"return Links(self=\1, fence=7,",
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_properties(surface: Surface, exhibits: Exhibits, target: Target, evidence: Evidence) -> None:
    wrong = [*_mass_assignment(surface, target, evidence), *_answers(surface, exhibits, evidence)]
    assert not wrong, "; ".join(wrong[:8])


def _mass_assignment(surface: Surface, target: Target, evidence: Evidence) -> list[str]:
    """A sentence for each field that a client could set: refused is well, taken without effect as well."""
    wrong, asked = [], 0
    token, stranger = surface.token(), surface.token(tenant=surface.table.other_tenant)
    operation = surface.submit
    own = (operation.body or {}).get("properties", {})
    state = (target.job.failed or target.job.succeeded)[0]
    for name, value in injected(surface.table.other_tenant, state, new_key()).items():
        if name in own:
            continue
        call = surface.call(operation, token=token)
        answer = surface.asker.ask(replace(call, body={**call.body, name: value}))
        asked += 1
        if answer.status >= 500:
            wrong.append(f"{operation.name} with {name} answers {answer.status}")
        if not answer.succeeded:
            continue
        seen = _submitted(surface, target, answer, token)
        if isinstance(seen, dict) and name in seen and seen[name] == value:
            wrong.append(f"{operation.name} takes {name} from the client")
        if _submitted(surface, target, answer, stranger) is not None:
            wrong.append(f"{operation.name} with {name} gives a job to another tenant")
    evidence.observed(asked, "fields that are not the client's to set")
    return wrong


def _submitted(surface: Surface, target: Target, answer: Answer, token: str) -> object:
    """What whoever has the token sees of a job that was just submitted, None when it is not seen."""
    try:
        job_id = str(at(json.loads(answer.text), target.job.id_pointer))
    except (PointerError, ValueError) as error:
        raise Unverified(f"a submitted job has no id: {error}") from error
    path = target.job.status_path.replace("{id}", job_id)
    seen = surface.asker.ask(surface.plain("GET", path, token=token))
    return json.loads(seen.text) if seen.succeeded else None


def _answers(surface: Surface, exhibits: Exhibits, evidence: Evidence) -> list[str]:
    """A sentence for each answer that does not fit what is documented, or holds more."""
    wrong, looked = [], 0
    for role in surface.roles:
        job, token = exhibits.done(role).id, surface.token(role)
        for operation in surface.guarded:
            if not (operation.reads and surface.allows(role, operation)):
                continue
            answer = surface.asker.ask(surface.call(operation, value=job, token=token))
            schema = operation.answers.get(str(answer.status))
            if schema is None:
                wrong.append(f"{operation.name} answers {answer.status}, of which nothing is documented")
                continue
            looked += 1
            errors = jsonschema.Draft202012Validator(closed(schema)).iter_errors(json.loads(answer.text))
            wrong += [
                f"{operation.name} as {role}: {error.message[:200]} at /{'/'.join(map(str, error.path))}"
                for error in errors
            ]
    evidence.observed(looked, "answers held against their schema")
    if not looked:
        raise Unverified("no answer has a schema that it could be held against")
    return wrong
