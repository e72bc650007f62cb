import time
from collections.abc import Mapping

from fixtures.clients.grafana import Grafana, disagreements
from fixtures.clients.prometheus import Prometheus
from fixtures.metrics import dashboard, live, panels, units
from fixtures.metrics.dashboard import Dashboard, DataSource, Panel
from fixtures.metrics.exercise import Exercise, Loads
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, Unreachable, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

MARKS_S = 1800  # back to whatever was deployed in this run


@check(
    "monitoring.dashboards",
    title="Every panel's query brings data under load; titles, units and data sources are right; no golden signal is missing",
    why="An empty panel looks like a calm system, and one with the wrong unit like another system.",
    fix="Correct the query, unit or data source that is named; show each signal on one panel at least.",
    needs=("metrics", "metrics.service", "dashboards.files", "api", "job"),
    minimum=5,
    broken_by=(
        Sabotage(
            id="panels-without-exporters",
            title="Panels on metrics that nobody exports any more",
            says="no series",
            fault=({"kind": "stopped", "role": "exporters"},),
        ),
        Sabotage(
            id="panels-without-titles",
            title="Panels whose titles were emptied",
            says="has no title",
            replace=({"file": "{dashboards.files}", "pattern": '"title": *"[^"]*"', "with": '"title": ""'},),
        ),
    ),
)
def test_dashboards(
    stack: ComposeStack, loads: Loads, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    assert target.metrics is not None
    assert target.dashboards is not None
    metrics, table, marker = Prometheus(stack, settled=True), target.dashboards, target.metrics.deployment_marker
    all_boards = dashboard.dashboards(stack.folder, table.files)
    sources = dashboard.data_sources(stack.folder, table.datasources)
    load = loads.last()
    every = [panel for each in all_boards for panel in each.panels]
    ours = [panel for panel in every if panels.of_metrics(panel, sources)]
    services = stack.declared.get("services", {})
    wrong = dashboard.flaws(all_boards, sources) + _wrong_units(ours)
    wrong += panels.misled(sources, services, target.metrics.service, target.metrics.port)
    wrong += panels.unmarked(all_boards, marker)
    try:
        wrong += panels.not_shown(target.metrics.signals, all_boards, live.rules(metrics))
        wrong += panels.choiceless(metrics, all_boards, sources)
        wrong += panels.unmarking(metrics, all_boards, marker, time.time() - MARKS_S, time.time())
        dead, declared = _dead(metrics, ours, load, target.metrics.unseen, limits["monitoring.visible_s"].value)
        rendering, differs = _in_grafana(stack, all_boards, sources, load, declared)
    except Unreachable as error:
        raise Unverified(str(error)) from error
    evidence.observed(sum(len(panel.queries) for panel in ours), "queries of panels")
    evidence.value("panels by dashboard", {each.uid: [panel.title for panel in each.panels] for each in all_boards})
    evidence.value("not seen in this run, as declared in [metrics.unseen]", sorted(declared))
    evidence.value("rendering", rendering)
    wrong += dead + differs
    assert not wrong, "\n".join(wrong)
    if foreign := [panel.key for panel in every if panel not in ours]:
        raise Unverified(f"their data comes from no Prometheus, so nobody looked at it: {', '.join(foreign)}")


def _wrong_units(all_panels: list[Panel]) -> list[str]:
    return [
        f"{panel.key}: {what}: {query}"
        for panel in all_panels
        for query in panel.queries
        if (what := units.mismatch(panel.unit, query))
    ]


def _dead(
    metrics: Prometheus, ours: list[Panel], load: Exercise, unseen: Mapping[str, str], within: float
) -> tuple[list[str], frozenset[str]]:
    """What is wrong with queries that brought nothing under load and bring nothing still, and those that are declared."""
    dead: dict[tuple[Panel, str], str] = {}
    left = list(ours)

    def all_alive() -> bool:
        dead.clear()
        dead.update(panels.empty(metrics, left, load.quiet, time.time()))
        left[:] = list(dict.fromkeys(panel for panel, _ in dead))
        return all(panels.unseen_only(query, unseen) for _, query in dead)

    try:
        until(all_alive, within, "every panel has data", every=1)
    except NotReached as error:
        if isinstance(error.last, Unreachable):
            raise error.last from error
    declared = frozenset(query for _, query in dead if panels.unseen_only(query, unseen))
    return [f"{panel.key}: {query}: {why}" for (panel, query), why in dead.items() if query not in declared], declared


def _in_grafana(
    stack: ComposeStack,
    all_boards: tuple[Dashboard, ...],
    sources: tuple[DataSource, ...],
    load: Exercise,
    declared: frozenset[str],
) -> tuple[str, list[str]]:
    """Which Grafana was asked, and where it differs from the files; without one, that nobody rendered anything."""
    table = stack.target.dashboards
    if table is None or table.service is None or not stack.containers("dashboards"):
        return "not verified: no Grafana runs; the panels' queries were run against the metrics themselves", []
    grafana = Grafana(stack)
    version = grafana.version()
    differs = disagreements(grafana, all_boards, sources, time.time() - load.quiet, declared)
    return f"provisioning, data sources, panels and their values as Grafana {version} has them", differs
