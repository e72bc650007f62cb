from dataclasses import replace

from fixtures.clients.docker import Container
from fixtures.refusal import Answer, Mistake, alone, mistakes, settings, tried
from fixtures.secrets import secret_values
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "configuration.refusal",
    title="A service refuses to start with a setting missing, empty, no number, out of range or unknown, and names it",
    why="A default hides a forgotten setting, a mistyped one is ignored: the service runs with a value that nobody chose.",
    fix="Demand each setting, refuse unknown ones of the same prefix, and exit non-zero with all the names at once.",
    needs=("refusal",),
    standards=("C34", "C35"),
    minimum=20,
    broken_by=(
        Sabotage(
            id="service-that-starts-anyway",
            title="A worker started by a shell that does not care how it ends",
            compose={
                "services": {
                    "{worker}": {"command": ["sh", "-c", "while :; do sleep 1; done"], "healthcheck": {"disable": True}}
                }
            },
            says="starts all the same",
        ),
    ),
)
def test_refusal(stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    table = target.refusal
    assert table is not None
    containers = _one_of_each(stack, table.roles)
    within = limits["configuration.refused_s"].value
    asked = [mistake for container in containers for mistake in mistakes(container, table)]
    blank = [c.service for c in containers if not settings(c, table)]
    if blank:
        raise Unverified(f"{', '.join(blank)} runs with no variable that begins with {table.prefix}")
    answers = tried(stack.engine, containers, asked, stack.labels, within)
    # Who stops at the first mistake, or finds some later than others, is asked again, one mistake at a time.
    again = [alone(a.mistake, name) for a in answers if not _let_in(a) for name in a.unnamed]
    single = _sample([alone(m, name) for m in asked for name in m.named], int(limits["configuration.refusals"].value))
    answers = [_without_unnamed(answer) for answer in answers]
    answers += tried(stack.engine, containers, [*again, *(s for s in single if s not in again)], stack.labels, within)
    evidence.observed(len(answers), "starts of a service with wrong settings")
    evidence.value("answers", {a.mistake.sentence: _said(a) for a in answers})
    _demand_witness(stack, containers, evidence)
    values = secret_values(stack)
    leaks = [a.mistake.sentence for a in answers if any(value in a.ended.said for value in values.values())]
    wrong = [f"{a.mistake.sentence}: {fault}" for a in answers for fault in a.faults]
    assert not leaks, "prints a secret: " + "; ".join(leaks)
    assert not wrong, "; ".join(wrong[:10])


def _one_of_each(stack: ComposeStack, roles: tuple[str, ...]) -> list[Container]:
    """The newest container of each role, also one that has ended: what it was made with is what counts."""
    chosen = []
    for role in roles:
        found = sorted((c for c in stack.all_containers() if c.role == role), key=lambda c: (c.running, c.started_at))
        if not found:
            raise Unverified(f"there is no container of the role {role}")
        chosen.append(found[-1])
    return chosen


def _let_in(answer: Answer) -> bool:
    return answer.ended.status in (None, 0)


def _without_unnamed(answer: Answer) -> Answer:
    """What is asked again alone is not held against the service where it was asked together with others."""
    if _let_in(answer):
        return answer
    return replace(answer, faults=tuple(fault for fault in answer.faults if not fault.startswith("does not name")))


def _sample(found: list[Mistake], at_most: int) -> list[Mistake]:
    """So many of them, spread evenly."""
    if len(found) <= at_most:
        return found
    return [found[index * (len(found) - 1) // max(1, at_most - 1)] for index in range(at_most)]


def _said(answer: Answer) -> str:
    how = "still running" if answer.ended.status is None else f"exit {answer.ended.status}"
    return how + ("" if not answer.faults else f", {'; '.join(answer.faults)}")


def _demand_witness(stack: ComposeStack, containers: list[Container], evidence: Evidence) -> None:
    """With its own settings the service must not name any: otherwise it is refused for something else."""
    assert stack.target.refusal is not None
    unspoilt = [Mistake(c.service, "as it is", {}, tuple(settings(c, stack.target.refusal))) for c in containers]
    for answer in tried(stack.engine, containers, unspoilt, stack.labels, 3, again=False):
        named = set(answer.mistake.named) - set(answer.unnamed)
        evidence.value(f"{answer.mistake.service} with its own settings", _said(answer).partition(",")[0])
        if named and answer.ended.status not in (None, 0):
            raise Unverified(
                f"{answer.mistake.service} is refused with its own settings, for {', '.join(sorted(named))}"
            )
