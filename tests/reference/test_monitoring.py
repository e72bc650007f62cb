"""The reference system's rules and dashboards as files: what the gate would say of them, without a stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.metrics import dashboard, rule_files, units
from fixtures.metrics.live import Rule
from fixtures.metrics.panels import not_shown
from fixtures.metrics.promql import selectors
from fixtures.metrics.truth import claims
from gate.target import load

ROOT = Path(__file__).resolve().parents[2]
TARGET = load(ROOT / "readiness.toml")
METRICS, DASHBOARDS = TARGET.metrics, TARGET.dashboards
BOARDS = dashboard.dashboards(ROOT, DASHBOARDS.files)
RULES = rule_files.declared(ROOT, METRICS.rules)


def test_every_alert_has_a_story_in_which_it_fires_and_one_in_which_it_is_silent() -> None:
    assert rule_files.untested(RULES, rule_files.expectations(ROOT, METRICS.rule_tests)) == []


def test_dashboards_are_whole() -> None:
    assert dashboard.flaws(BOARDS, dashboard.data_sources(ROOT, DASHBOARDS.datasources)) == []
    assert {board.uid.removeprefix("docjobs-") for board in BOARDS} == {"overview", "jobs", "database", "deployment"}
    assert all("docjobs_deployment_timestamp_seconds" in "".join(board.annotations) for board in BOARDS)


def test_units_are_those_of_the_metrics() -> None:
    shown = [(panel.key, panel.unit, query) for board in BOARDS for panel in board.panels for query in panel.queries]
    assert [key for key, unit, query in shown if units.mismatch(unit, query)] == []


def test_every_golden_signal_is_on_a_panel() -> None:
    loaded = [Rule(r.name, r.expression, r.alerting, {}, {}, r.file, "") for r in RULES]
    assert not_shown(METRICS.signals, BOARDS, loaded) == []


def test_claims_are_about_panels_that_exist() -> None:
    assert claims(DASHBOARDS.shows, BOARDS)[1] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rules_can_be_followed(rule: rule_files.DeclaredRule) -> None:
    assert selectors(rule.expression) or rule.name == "Watchdog"
