from fixtures.clients.prometheus import Prometheus
from fixtures.metrics import live
from fixtures.metrics.coverage import unaccounted, uncovered
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, Unreachable, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "monitoring.targets",
    title="Every container is scraped and answers, or somebody says who speaks for it; every scrape job finds something",
    why="What is not scraped has no series, so no alert on it can ever fire, and its panels look calm.",
    fix="Give the service a scrape job, or say in readiness.toml [metrics.unscraped] who speaks for it.",
    needs=("metrics", "metrics.service"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="exporters-stopped",
            title="Exporters that do not run",
            says="is down",
            fault=({"kind": "stopped", "role": "exporters"},),
        ),
    ),
)
def test_targets(stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    assert target.metrics is not None
    metrics, table = Prometheus(stack, settled=True), target.metrics
    wrong: list[str] = []

    def watched() -> bool:
        containers = [c for c in stack.containers() if c.role != "one_shot"]
        wrong[:] = uncovered(containers, live.targets(metrics), table.service, table.unscraped)
        return not wrong

    try:
        # A container that was just replaced is found by the next look of the discovery.
        until(watched, limits["monitoring.visible_s"].value, "every container is scraped", every=0.5)
    except NotReached as error:
        if isinstance(error.last, Unreachable):
            raise Unverified(str(error.last)) from error
    found = live.targets(metrics)
    empty = sorted(set(live.jobs(metrics)) - {each.job for each in found})
    wrong += [f"the scrape job {job} finds no target" for job in empty]
    there = stack.all_containers()
    idle = {name: target.role_of(name) or "" for name in stack.declared.get("services", {})}
    idle = {name: role for name, role in idle.items() if name not in {c.service for c in there}}
    wrong += unaccounted(idle, there, table.unscraped)
    evidence.observed(len(found), "targets")
    evidence.value("targets", [f"{each.job}: {each.host} {each.health} every {each.every}" for each in found])
    evidence.value("services that nobody scrapes, and why", dict(table.unscraped))
    evidence.value("services that do not run now", idle)
    assert not wrong, "not watched: " + "; ".join(wrong)
