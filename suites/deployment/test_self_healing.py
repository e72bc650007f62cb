from fixtures import faults
from fixtures.clients.docker import Container
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import NotReached, until
from fixtures.well import well
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "deployment.self-healing",
    title="Each service whose main process is killed is back and ready by itself, within the limit",
    why="A process that dies at night must not wait for somebody to start it.",
    fix="Give the service `restart: unless-stopped` (or `always`) and let it start without a person's help.",
    needs=("api", "worker", "database", "faults"),
    standards=("C20", "CIS Docker 5.15"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="worker-without-restart",
            title='A worker with restart: "no"',
            compose={"services": {"{worker}": {"restart": "no"}}},
        ),
        Sabotage(
            id="database-without-restart",
            title='A database with restart: "no"',
            compose={"services": {"{database}": {"restart": "no"}}},
        ),
    ),
)
def test_self_healing(
    stack: ComposeStack, steady_state: SteadyState, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    limit = limits["deployment.self_healing_s"]
    running = stack.containers()
    # What clients and jobs depend on is hurt one at a time, so that a slow return has one cause; the rest at once.
    rounds = [{c.name} for c in running if c.role in CORE] + [{c.name for c in running if c.role not in CORE}]
    seconds: dict[str, float] = {}
    dead: list[str] = []
    for names in filter(None, rounds):
        try:
            victims = _ready(stack, names, limit.value * 2)
        except NotReached as error:
            dead.append(str(error))
            continue
        faults.settled(victims)
        with faults.all_killed(stack, victims) as wounds:
            evidence.event("fault", f"killed: {', '.join(v.service for v in victims)}")
            for wound in wounds:
                try:
                    seconds[wound.container.name] = wound.restarted(limit.value * 2)
                except NotReached as error:
                    dead.append(str(error))
            evidence.event("healed", "ready again" if not dead else "not all came back")
    evidence.value("seconds until ready again", {c.service: seconds.get(c.name) for c in running})
    evidence.observed(len(seconds) + len(dead), "services killed")
    waited = f"limit {limit.value:g} s, waited for twice as long to see by how much it is missed"
    assert not dead, f"did not come back by themselves ({waited}): {'; '.join(dead)}"
    evidence.measure("killed until ready again", list(seconds.values()), "s", limit)
    steady_state.reached(target.job.timeout_s, "steady state after every service was killed once")


def _ready(stack: ComposeStack, names: set[str], within: float) -> list[Container]:
    """These containers as they are now: one that ends when the database is gone has started anew since the last round."""

    found: list[Container] = []

    def ready() -> bool:
        found[:] = [c for c in stack.containers() if c.name in names and well(c)]
        return len(found) == len(names)

    until(ready, within, f"{', '.join(sorted(names))} ready before being killed")
    return found


CORE = ("gateway", "api", "worker", "database")
