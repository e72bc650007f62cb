from fixtures import faults
from fixtures.clients.docker import Container
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import NotReached
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
    victims = [c for c in stack.containers() if c.role != "one_shot"]
    seconds: dict[str, float] = {}
    dead: list[str] = []
    for victim in victims:
        try:
            seconds[victim.service] = _healed(stack, victim, limit, evidence)
        except NotReached as error:
            dead.append(f"{victim.service}: {error}")
    evidence.value("seconds until ready again, by service", seconds)
    evidence.observed(len(victims), "services killed")
    assert not dead, "did not come back by themselves: " + "; ".join(dead)
    evidence.measure("killed until ready again", list(seconds.values()), "s", limit)
    steady_state.reached(target.job.timeout_s, "steady state after every service was killed once")


def _healed(stack: ComposeStack, victim: Container, limit: Limit, evidence: Evidence) -> float:
    with faults.killed(stack, victim) as wound:
        evidence.event("fault", f"{victim.service} killed")
        seconds = wound.restarted(limit.value * 2)
        evidence.event("healed", f"{victim.service} ready again after {seconds:.1f} s")
    return seconds
