import json
import re
import secrets
import time
from dataclasses import replace
from datetime import datetime

import pytest

from fixtures.access.asking import Call
from fixtures.access.exhibits import Exhibits
from fixtures.access.surface import Surface
from fixtures.access.tokens import unsigned
from fixtures.clients.logs import Logs, Record
from fixtures.printing import printed
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

_FORGED = "readiness_forged"
_UTC = re.compile(r"(?:Z|\+00:?00)$")


@check(
    "access.refusals-logged",
    title="Each refused request leaves a line with UTC time, request id and status in the log store, and none can be forged",
    why="Who tries one door after the other is seen by what was refused; who can write lines of its own is not.",
    fix="Log every 401 and 403 as JSON with the request's id; encode what a client sends, so that it cannot end a line.",
    needs=("auth", "access.openapi", "logs.read", "logs.request_header", "api", "job"),
    standards=("C61", "ASVS 5.0 16.3.1", "ASVS 5.0 16.3.2", "ASVS 5.0 16.4.1", "CWE-117", "CWE-778"),
    minimum=6,
    broken_by=(
        Sabotage(
            id="refusals-not-logged",
            title="A system that says nothing of what it refused",
            replace=({"file": "{access.code}", "pattern": r"_LOG\.info\(", "with": "(lambda *_, **__: None)("},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_refusals_logged(
    surface: Surface,
    exhibits: Exhibits,
    stack: ComposeStack,
    target: Target,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    assert target.logs is not None
    header, logs, word = str(target.logs.request_header), Logs(stack), secrets.token_hex(8)
    calls = {f"readiness-{secrets.token_hex(8)}": call for call in _refused(surface, exhibits)}
    began = time.time()
    # Straight to one replica: what the gateway writes of it tells nothing of what the API does.
    answers = surface.asker.ask_all(
        [
            replace(call, headers={**call.headers, header: key}, where=where)
            for key, call in calls.items()
            for where in ("", surface.replicas()[0])
        ]
    )
    strange = [answer for answer in answers if answer.status not in {401, 403}]
    if strange:
        raise Unverified(f"not refused, so nothing is to be logged of it: {strange[0]}")
    surface.asker.ask_all([_with_lines(surface, exhibits, word, header, place) for place in range(_PLACES)])
    container = stack.containers("api")[0]
    printed(stack, container, [_line(f"{word}-planted"), json.dumps({"level": "info", "message": f"{word}-last"})])

    found = _stored(logs, began, word, list(calls), limits["access.logged_s"].value)
    evidence.observed(len(answers), "refused requests")
    roles = {key: _roles(found, key, target) for key in calls}
    evidence.value("who logged which refusal", {str(call): sorted(roles[key]) for key, call in calls.items()})
    silent = [str(call) for key, call in calls.items() if not roles[key]]
    assert not silent, f"refused, and no line with its request id tells it: {'; '.join(silent)}"
    unheard = [str(call) for key, call in calls.items() if "api" not in roles[key]]
    assert not unheard, f"refused by the API, which says nothing of it: {'; '.join(unheard)}"
    about = [line for line in found if isinstance(line, Record) and line.request_id in calls]
    bare = [line.text for line in about if not _timed(line) or not line.level]
    assert not bare, f"a refusal's line has no time in UTC or no level: {bare[0][:300]}"
    planted = [line for line in found if _is_forged(line, f"{word}-planted")]
    if not planted:
        raise Unverified("the search does not find a line that was printed as a forged one would be")
    forged = [line for line in found if _is_forged(line, word) and line not in planted]
    assert not forged, f"a client wrote a line of its own: {_text(forged[0])[:300]}"


def _refused(surface: Surface, exhibits: Exhibits) -> list[Call]:
    """A request of each kind that has to be refused."""
    job, token = exhibits.done().id, surface.token()
    read = next((one for one in surface.guarded if one.reads and one.takes_id), surface.guarded[0])
    calls = [
        surface.call(read, value=job, what="no credentials"),
        surface.call(read, value=job, credentials="Bearer readiness", what="a word for a token"),
        surface.call(read, value=job, token=unsigned(surface.taken_apart(token)), what="a forged token"),
    ]
    calls += [
        surface.call(operation, value=job, token=surface.token(role), what=f"the role {role}")
        for role in surface.roles
        for operation in surface.guarded
        if not surface.allows(role, operation)
    ][:3]
    return calls


_PLACES = 5


def _with_lines(surface: Surface, exhibits: Exhibits, word: str, header: str, place: int) -> Call:
    """A refused request that carries the end of a line, and a line, where it may be logged."""
    job = exhibits.done().id
    read = next((one for one in surface.guarded if one.reads and one.takes_id), surface.guarded[0])
    line = _line(f"{word}-{place}")
    quoted = line.replace('"', "%22").replace(" ", "%20").replace("{", "%7B").replace("}", "%7D")
    call = surface.call(read, value=job, what="a line of its own")
    return (
        replace(call, path=f"{call.path}/%0D%0A{quoted}%0D%0A"),
        replace(call, path=f"{call.path}?q=%0D%0A{quoted}%0D%0A"),
        replace(call, headers={header: f"x{line}"}, where=surface.replicas()[0]),
        replace(call, headers={"User-Agent": f"x\\r\\n{line}"}, where=surface.replicas()[0]),
        _in_claims(surface, call, line),
    )[place]


def _in_claims(surface: Surface, call: Call, line: str) -> Call:
    """A good token whose subject holds a line, where the gate can have such a token."""
    if not surface.table.sign:
        return call
    return replace(call, token=surface.signed({"sub": f"readiness\r\n{line}\r\n"}))


def _line(word: str) -> str:
    return json.dumps({_FORGED: word, "level": "info", "message": "nothing to see here"})


def _stored(logs: Logs, began: float, word: str, keys: list[str], within: float) -> list[Record | str]:
    """What was stored since, once all of it is there; what is missing after the time is missing."""
    kept: list[Record | str] = []

    def complete() -> bool:
        kept[:] = [
            line for line in logs.records(began - 1) if word in _text(line) or any(k in _text(line) for k in keys)
        ]
        return any(f"{word}-last" in _text(line) for line in kept) and all(
            any(key in _text(line) for line in kept) for key in keys
        )

    try:
        until(complete, within, "the lines of all refusals are stored", every=0.3)
    except NotReached as error:
        if not any(f"{word}-last" in _text(line) for line in kept):
            raise Unverified(f"not even the line that was printed last is stored: {error}") from error
    return kept


def _roles(found: list[Record | str], key: str, target: Target) -> set[str]:
    """The roles whose lines name a request by its id and say how it was refused."""
    return {
        target.role_of(str(line.service)) or str(line.service)
        for line in found
        if isinstance(line, Record) and line.request_id == key and re.search(r"\b40[13]\b", line.text)
    }


def _timed(line: Record) -> bool:
    try:
        datetime.fromisoformat(str(line.timestamp).replace("Z", "+00:00"))
    except ValueError:
        return False
    return bool(_UTC.search(str(line.timestamp)))


def _is_forged(line: Record | str, word: str) -> bool:
    """Whether the line is one by itself, and no text inside another."""
    try:
        body = json.loads(_text(line))
    except ValueError:
        # A piece of a torn line begins with what was sent.
        return _text(line).lstrip().startswith(('{"' + _FORGED, _FORGED)) and word in _text(line)
    return isinstance(body, dict) and str(body.get(_FORGED, "")).startswith(word)


def _text(line: Record | str) -> str:
    return line if isinstance(line, str) else line.text
