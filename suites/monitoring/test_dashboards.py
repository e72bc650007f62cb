import time

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
        wrong += panels.unmarking(metrics, all_boards, marker, time.time() - MARKS_S, time.time())
        dead, declared = _dead(metrics, ours, load, target, limits["monitoring.visible_s"].value)
        rendering, differs = _in_grafana(stack, all_boards, sources, load)
    except Unreachable as error:
        raise Unverified(str(error)) from error
    evidence.observed(sum(len(panel.queries) for panel in ours), "queries of panels")
    evidence.value("panels by dashboard", {each.uid: [panel.title for panel in each.panels] for each in all_boards})
    evidence.value("not seen in this run, as declared in [metrics.unseen]", declared)
    evidence.value("rendering", rendering)
    wrong += [f"{query}: {why}" for query, why in dead.items()] + differs
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
    metrics: Prometheus, ours: list[Panel], load: Exercise, target: Target, within: float
) -> tuple[dict[str, str], list[str]]:
    """Queries that brought nothing under load and bring nothing still, and those of which that is declared."""
    assert target.metrics is not None
    unseen = target.metrics.unseen
    dead: dict[str, str] = {}
    left = list(ours)

    def all_alive() -> bool:
        nonlocal dead
        dead = panels.empty(metrics, left, load.quiet, time.time())
        left[:] = [panel for panel in left if any(key.startswith(f"{panel.key}: ") for key in dead)]
        return not {key for key in dead if not _declared(key)}

    def _declared(key: str) -> bool:
        return any(key == f"{p.key}: {q}" and panels.unseen_only(q, unseen) for p in ours for q in p.queries)

    try:
        until(all_alive, within, "every panel has data", every=1)
    except NotReached as error:
        if isinstance(error.last, Unreachable):
            raise error.last from error
    return {key: why for key, why in dead.items() if not _declared(key)}, [key for key in dead if _declared(key)]


def _in_grafana(
    stack: ComposeStack, all_boards: tuple[Dashboard, ...], sources: tuple[DataSource, ...], load: Exercise
) -> tuple[str, list[str]]:
    """What the Grafana that runs says, and where it differs from the files; without one, that nobody rendered anything."""
    table = stack.target.dashboards
    if table is None or table.service is None or not stack.containers("dashboards"):
        return "not verified: no Grafana runs; the panels' queries were run against the metrics themselves", []
    grafana = Grafana(stack)
    version = grafana.version()
    return f"Grafana {version} has all of it", disagreements(grafana, all_boards, sources, time.time() - load.quiet)
