import time

from fixtures.clients.prometheus import Prometheus
from fixtures.metrics import signals
from fixtures.metrics.exercise import Loads
from fixtures.metrics.signals import Judged
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, Unreachable, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "monitoring.golden-signals",
    title="Latency, traffic, errors and saturation of API, jobs and database are measured, and say what the load was",
    why="Alerts and panels are made of these; a counter that counts something else leads whoever looks at it astray.",
    fix="Name in readiness.toml [metrics.signals] the expression that is the signal, or mend what exports it.",
    needs=("metrics", "metrics.service", "metrics.signals", "api", "job"),
    minimum=5,
    broken_by=(
        Sabotage(
            id="signals-without-exporters",
            title="Signals whose exporters do not run",
            says="has no value",
            fault=({"kind": "stopped", "role": "exporters"},),
        ),
    ),
)
def test_golden_signals(
    stack: ComposeStack, loads: Loads, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    assert target.metrics is not None
    metrics, table = Prometheus(stack, settled=True), target.metrics
    load = loads.fresh()
    wrong = signals.undeclared(table.signals, table.unmeasured)
    found = Judged()

    def all_true() -> bool:
        nonlocal found
        now = time.time()
        readings = {name: signals.read(metrics, name, e, load.quiet, now) for name, e in table.signals.items()}
        found = signals.judged(readings, load, limits["monitoring.traffic_error"].value)
        return not found.wrong

    try:
        # What happened is in the metrics after the next look, or the next but one.
        until(all_true, limits["monitoring.visible_s"].value, "every signal says what the load was", every=1)
    except NotReached as error:
        if isinstance(error.last, Unreachable):
            raise Unverified(str(error.last)) from error
    evidence.observed(len(found.seen), "signals")
    evidence.value("load", {"requests": len(load.requests), "jobs": len(load.jobs)})
    evidence.value("signals", found.seen)
    evidence.value("not measured, and why", dict(table.unmeasured))
    wrong += found.wrong
    assert not wrong, "; ".join(wrong)
