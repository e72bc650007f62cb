import json
import time

import pytest

from fixtures.clients.api import Api, new_key
from fixtures.clients.docker import Container
from fixtures.clients.logs import Logs, Record, engine_lines
from fixtures.log_shape import Shapes, nameless, traceback, untimely
from fixtures.log_trace import role_of
from fixtures.printing import Mark, printed_everywhere
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "monitoring.log-shape",
    title="Each stored line is one JSON object with time, level, service and release, and names its request or job",
    why="Lines that cannot be searched by request or job are read by eye, at night, one container after the other.",
    fix="Log JSON at the source with the ids of request and job; join a traceback's lines before they are stored.",
    needs=("logs.read", "logs.request_header", "api", "worker", "job"),
    minimum=20,
    broken_by=(
        Sabotage(
            id="plain-words-beside",
            title="A worker that prints plain words as well",
            exec=(
                {
                    "role": "worker",
                    "detach": True,
                    "command": ["sh", "-c", "while sleep 0.3; do echo plain words; done > /proc/1/fd/1"],
                },
            ),
            says="plain words",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_log_shape(stack: ComposeStack, api: Api, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    assert target.logs is not None
    logs, since, key, mark = Logs(stack), time.time(), new_key(), Mark()
    own = [*stack.containers("api"), *stack.containers("worker")]
    words = {
        container.name: (f"{mark.word}-{place}-first", f"{mark.word}-{place}-last")
        for place, container in enumerate(own)
    }
    job_id = api.submit(key, headers={str(target.logs.request_header): key})
    printed_everywhere(stack, [(container, traceback(words[container.name])) for container in own])
    until(lambda: api.outcome(job_id) != "pending", target.job.timeout_s, f"the job {job_id} ends")
    _await_lines(logs, since, [last for _, last in words.values()], limits["monitoring.log_delay_s"].value)

    shapes, about = Shapes(), list[Record]()
    tracebacks: dict[str, list[str]] = {container.name: [] for container in own}
    services = [*(name for names in target.roles.values() for name in names), *target.roles]
    # From when the oldest container started: what a service says at its start is the first that is ever needed.
    for line in logs.records(min(time.time() - container.uptime_s for container in own) - 60):
        shapes.add(line, services)
        text = line.text if isinstance(line, Record) else line
        if isinstance(line, Record) and (key in text or job_id in text):
            about.append(line)
        for name, pair in words.items():
            if any(word in text for word in pair):
                tracebacks[name].append(text)
    evidence.observed(shapes.lines, "stored lines looked at")
    evidence.value("lines by service", dict(shapes.by_service))
    evidence.value("lines about one request and its job", [line.text for line in about])
    assert not shapes.faults, f"stored lines without their fields: {shapes}"
    torn = [
        name for name, texts in tracebacks.items() if len(texts) != 1 or any(w not in texts[0] for w in words[name])
    ]
    assert not torn, f"a traceback is not one stored line: {', '.join(torn)}"
    lost = nameless(about, (key, job_id))
    assert not lost, (
        f"{len(lost)} lines about a request or job name neither in their fields, such as {lost[0].text[:200]}"
    )
    # They were said between the request and now: an hour beside, nobody finds them where the outage was.
    odd = untimely(about, since, time.time())
    assert not odd, (
        f"{len(odd)} lines about a request or job say that they are of another time, such as {odd[0].text[:200]}"
    )
    roles = {role for line in about if (role := role_of(target, line))}
    silent = [role for role in ("api", "worker") if role not in roles]
    assert not silent, f"no stored line about one request and its job is from the role {', '.join(silent)}"
    # Text at its source has lost its ids before any collector could keep them.
    plain = [f"{container.service}: {text}" for container in own for text in _plain(container, since, mark, words)]
    assert not plain, f"{len(plain)} lines are no JSON where they are printed, such as {plain[0][:200]}"


def _await_lines(logs: Logs, since: float, words: list[str], within: float) -> None:
    def all_there() -> bool:
        text = "\n".join(logs.lines(since - 1))
        return all(word in text for word in words)

    try:
        until(all_there, within, "the planted tracebacks are stored", every=0.5)
    except NotReached as error:
        raise Unverified(f"what was printed to be looked at is not in the log store: {error}") from error


def _plain(container: Container, since: float, mark: Mark, words: dict[str, tuple[str, str]]) -> list[str]:
    """Lines of the engine's copy that are no JSON object, without those of the traceback that was printed here."""
    ours = traceback(words[container.name])
    lines = (
        line for line in engine_lines(container, since) if line.strip() and line not in ours and mark.word not in line
    )
    return [line for line in lines if not _is_object(line)]


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
