from collections.abc import Callable, Mapping

from fixtures.clients.prometheus import Prometheus
from fixtures.metrics import live, lookup, questions
from fixtures.metrics.lookup import Question
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, Unreachable, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "monitoring.rule-series",
    title="Every selector of every rule and panel finds a series, each rule can have a value, and functions fit their types",
    why="An alert on a metric that was renamed is silent for ever, which looks the same as all being well.",
    fix="Correct the name or label; write a series with 0 before its first event, or declare it in [metrics.unseen].",
    needs=("metrics", "metrics.service"),
    minimum=5,
    broken_by=(
        Sabotage(
            id="rules-without-exporters",
            title="Rules on metrics that nobody exports any more",
            says="no series is called",
            fault=({"kind": "stopped", "role": "exporters"},),
        ),
    ),
)
def test_rule_series(stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    assert target.metrics is not None
    metrics, unseen = Prometheus(stack, settled=True), target.metrics.unseen
    try:
        rules = live.rules(metrics)
        asked, wrong = questions.understood(metrics, questions.of_system(stack, rules))
        wrong += lookup.misused(asked, live.types(metrics))
        wrong += lookup.dead_jobs(asked, live.jobs(metrics))
        dead, declared = _missing(metrics, asked, dict(unseen), limits["monitoring.visible_s"].value)
        if not dead:
            ruled, _ = questions.understood(metrics, questions.of_rules(rules))
            wrong += _speechless(metrics, ruled, unseen, limits["monitoring.visible_s"].value)
    except Unreachable as error:
        raise Unverified(str(error)) from error
    names = {selector.name for question in asked for selector in question.selectors}
    evidence.observed(sum(len(question.selectors) for question in asked), "selectors of rules and panels")
    evidence.value("selectors", {question.asker: list(map(str, question.selectors)) for question in asked})
    evidence.value("not seen in this run, as declared in [metrics.unseen]", declared)
    wrong += [f"{selector}: {why}" for selector, why in dead.items()]
    wrong += [f"[metrics.unseen] {name}: no rule and no panel asks for it" for name in unseen if name not in names]
    assert not wrong, "\n".join(wrong)


def _missing(
    metrics: Prometheus, asked: list[Question], unseen: dict[str, str], within: float
) -> tuple[dict[str, str], dict[str, str]]:
    """What is missing still when everything that starts slowly has had its time."""
    found: list[tuple[dict[str, str], dict[str, str]]] = []

    def all_there() -> bool:
        found[:] = [lookup.missing(metrics, asked, unseen)]
        return not found[0][0]

    _await(all_there, within, "every selector finds a series")
    return found[0]


def _speechless(metrics: Prometheus, asked: list[Question], unseen: Mapping[str, str], within: float) -> list[str]:
    """Rules without a value still when every window has had its time to fill."""
    found: list[str] = []

    def all_speak() -> bool:
        found[:] = lookup.speechless(metrics, asked, unseen)
        return not found

    _await(all_speak, within, "every rule has a value")
    return found


def _await(ready: Callable[[], bool], within: float, saying: str) -> None:
    """Wait for it, or until the time is up: what is missing then is for the check to say. Raises Unreachable."""
    try:
        until(ready, within, saying, every=1)
    except NotReached as error:
        if isinstance(error.last, Unreachable):
            raise error.last from error
