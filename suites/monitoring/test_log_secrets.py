import time

import pytest

from fixtures.clients.api import Api
from fixtures.clients.docker import Container
from fixtures.clients.logs import Logs, NotKept, engine_lines
from fixtures.planted import Planted, Search, needles, plant
from fixtures.printing import Mark, printed_everywhere, shipped
from fixtures.secrets import secret_values
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

CONTROL = "the harmless line"
STORE = "log store"


@check(
    "monitoring.log-secrets",
    title="No secret of the system and nothing confidential that a client sends is in any log",
    why="Logs are copied, kept and read by more people than the database; a password in them is a password published.",
    fix="Log what happened, not what was sent: no bodies, headers or query strings, and no parameters of statements.",
    needs=("api", "worker", "job"),
    standards=("C61", "ASVS 5.0 16.2.5", "CWE-532"),
    minimum=20,
    broken_by=(
        Sabotage(
            id="secrets-printed",
            title="A worker that prints the secrets that are mounted into it",
            exec=({"role": "worker", "command": ["sh", "-c", "cat /run/secrets/* > /proc/1/fd/1"]},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_log_secrets(
    stack: ComposeStack, api: Api, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    planted, mark, began = Planted(), Mark(), time.time()
    own = secret_values(stack)
    job_id, answers = plant(api, target, planted)
    evidence.value("how the system answered what was planted", answers)
    if job_id is None:
        raise Unverified("the job with the planted text was refused, so nothing was done with it")
    until(lambda: api.outcome(job_id) != "pending", target.job.timeout_s, f"the job {job_id} ends")

    # Printed last and in every container: where it is found, whatever was printed before would be found as well.
    containers = stack.containers()
    printed_everywhere(stack, [(container, [mark.line()]) for container in containers])
    wanted = needles(
        {**planted.words, **{f"the secret {name}": value for name, value in own.items()}, CONTROL: mark.word}
    )
    found: dict[str, Search] = {}
    unkept: list[str] = []
    for container in containers:
        try:
            found[container.name] = Search(wanted).through(engine_lines(container))
        except NotKept as error:
            unkept.append(str(error))
    if target.logs:
        _await_store(Logs(stack), mark, len(shipped(stack)), began, limits["monitoring.log_delay_s"].value)
        found[STORE] = Search(wanted).through(Logs(stack).lines(_earliest(containers)))
    evidence.observed(sum(search.lines for search in found.values()), "lines looked through")
    evidence.value("lines looked through by place", {place: search.lines for place, search in found.items()})
    evidence.value("what was looked for", sorted(wanted))
    evidence.value("containers whose lines the engine does not keep", unkept)
    leaks = [f"{name} is in {place}" for place, search in found.items() for name in search.found if name != CONTROL]
    assert not leaks, "in the logs: " + "; ".join(leaks)
    blind = [place for place, search in found.items() if CONTROL not in search.found] + unkept
    if blind:
        raise Unverified(f"the search does not even find the harmless line that was printed: {', '.join(blind)}")


def _await_store(logs: Logs, mark: Mark, times: int, since: float, within: float) -> None:
    """Until the harmless line of every container is stored, and with it all that was printed before."""
    try:
        until(
            lambda: sum(mark.word in line for line in logs.lines(since - 1)) >= times,
            within,
            "the harmless line of every container is in the log store",
            every=0.3,
        )
    except NotReached as error:
        raise Unverified(f"the log store cannot be searched: {error}") from error


def _earliest(containers: tuple[Container, ...]) -> float:
    """Before the oldest container started: a secret is printed at the start if at all."""
    return time.time() - max(container.uptime_s for container in containers) - 60
