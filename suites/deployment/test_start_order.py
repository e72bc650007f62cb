import time
from concurrent.futures import ThreadPoolExecutor

from fixtures.clients.docker import Container, EngineError
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import pause_until
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

# Who asks before who answers; the other way round, everything has what it needs.
ORDER = ("gateway", "api", "worker", "database")


@check(
    "deployment.start-order",
    title="Whichever service starts first waits for the others, and then the system works by itself",
    why="After a power cut everything starts at once, in whatever order; nobody is there to start it again in the right one.",
    fix="Let each process try again until what it needs answers, and give it a restart policy in case it cannot.",
    needs=("api", "worker", "database", "job", "faults"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="worker-needs-running-database",
            title="Workers that can only be started while the database runs",
            says="could not be started",
            compose={"services": {"{worker}": {"pid": "service:{database}"}}},
        ),
    ),
)
def test_start_order(
    stack: ComposeStack, steady_state: SteadyState, limits: dict[str, Limit], evidence: Evidence
) -> None:
    roles = [role for role in ORDER if stack.containers(role)]
    late_s = limits["deployment.late_s"].value
    seconds = []
    for order in (roles, roles[::-1])[: int(limits["deployment.start_orders"].value)]:
        running = stack.containers()
        began = _stop(stack, running)
        refused = []
        for role in order:
            refused += _start(stack, [c for c in running if c.role == role])
            evidence.event("started", role)
            evidence.observed(1, f"{role} started before what follows it")
            if role != order[-1]:
                pause_until(time.monotonic() + late_s)
        refused += _start(stack, [c for c in running if c.role not in order])
        # What the engine would not start alone is started again, so that the next check has a whole system.
        for container in refused:
            _start(stack, [container])
        names = ", ".join(sorted({container.service for container in refused}))
        assert not refused, f"could not be started while others were down: {names}"
        whole = time.monotonic()
        steady_state.reached(limits["deployment.start_s"].value, f"steady state after a start in the order {order}")
        seconds.append(time.monotonic() - whole)
        evidence.value(f"order {' '.join(order)}", {"from stop to steady, s": round(time.monotonic() - began, 1)})
    evidence.measure("last service started until steady", seconds, "s", limits["deployment.start_s"])


def _stop(stack: ComposeStack, containers: tuple[Container, ...]) -> float:
    """Stop them all at once; return when that began."""
    began = time.monotonic()
    with ThreadPoolExecutor(len(containers)) as at_once:
        list(at_once.map(lambda container: stack.engine.stop(container.id, grace_s=10), containers))
    return began


def _start(stack: ComposeStack, containers: list[Container]) -> list[Container]:
    """Start them; return those that the engine would not start."""
    refused = []
    for container in containers:
        try:
            stack.engine.start(container.id)
        except EngineError:
            refused.append(container)
    return refused
