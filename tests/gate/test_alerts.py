"""[alerts] of readiness.toml: what it becomes, and each mistake in it."""

from __future__ import annotations

import pytest

from gate.alerts import FAULTS, AlertFault
from gate.target import capability_names, load
from tests.gate.toml_files import READINESS, said, written

ALERTS = """
[alerts]
service = "pg"
port = 9093
receivers = { pager = "PAGER_URL", ticket = "TICKET_URL" }
"""


def of(tmp_path, more: str = ""):
    return load(written(tmp_path, READINESS + ALERTS + more))


def test_without_the_table_there_are_no_alerts(tmp_path):
    target = load(written(tmp_path, READINESS))
    assert target.alerts is None
    assert not any(name.startswith("alerts.") for name in target.capabilities())


def test_everything_that_may_be_said(tmp_path):
    target = of(
        tmp_path,
        """watchdog = "Always"
severities = { critical = ["pager", "ticket"], warning = "ticket" }
mutes = { DatabaseDown = ["warning"] }
[alerts.faults]
api-down = { alert = "ApiDown", receiver = "pager", limit_s = 9, reason = "By contract." }
backup-failing = { role = "database", user = "root", break = ["a", "b"], heal = ["c"], condition = ["d"] }
backup-stale = { role = "database", env = { STALE_S = "1" } }
queue-backlog = { after_s = "AGE_S" }
""",
    )
    table = target.alerts
    assert table is not None
    assert (table.watchdog, table.severities, table.mutes) == (
        "Always",
        {"critical": ("pager", "ticket"), "warning": ("ticket",)},
        {"DatabaseDown": ("warning",)},
    )
    assert table.faults["api-down"] == AlertFault("ApiDown", "pager", limit_s=9, reason="By contract.")
    broken = table.faults["backup-failing"]
    assert (broken.breaks, broken.heals, broken.condition, broken.user) == (("a", "b"), ("c",), ("d",), "root")
    assert table.faults["backup-stale"].env == {"STALE_S": "1"}
    assert table.faults["queue-backlog"].after_s == "AGE_S"
    assert {"alerts.receivers", "alerts.watchdog", "alerts.severities"} <= target.capabilities()
    assert {"alerts.faults.api-down", "alerts.faults.backup-failing"} <= target.capabilities()
    assert "alerts.faults.job-failures" not in target.capabilities()


def test_every_fault_is_a_capability_that_a_check_may_need():
    assert {f"alerts.faults.{fault}" for fault in FAULTS} <= capability_names()
    assert len(FAULTS) == len(set(FAULTS)) == 17


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("[alerts.faults]\napi-donw = {}", 'did you mean "api-down"?'),
        ('[alerts.faults]\narchive-full = { break = ["a"], heal = ["b"] }', "one of the system's own needs `alert`"),
        ("[alerts.faults]\napi-down = 7", "must be a table"),
        ("[alerts.faults]\napi-down = { alert = 7 }", "alert: must be a string"),
        ('[alerts.faults]\napi-down = { alrt = "A" }', 'did you mean "alert"?'),
        ('[alerts.faults]\napi-down = { receiver = "pagr" }', 'did you mean "pager"?'),
        ('[alerts.faults]\napi-down = { role = "wroker" }', 'did you mean "worker"?'),
        ("[alerts.faults]\napi-down = { limit_s = 9 }", "needs a sentence that says why"),
        ('[alerts.faults]\napi-down = { limit_s = 0, reason = "Now." }', "must be more than 0"),
        ('[alerts.faults]\nbackup-failing = { break = ["a"] }', "heal: this key is needed with break"),
        ('[alerts.faults]\nbackup-stale = { env = { A = "1" } }', "role: this key is needed with env"),
        ("[alerts.faults]\nqueue-backlog = { after_s = true }", "must be seconds, or the name of a variable"),
        ('severities = { critical = "pgr" }', 'did you mean "pager"?'),
        ('severities = { critical = ["pager", "tickt"] }', 'did you mean "ticket"?'),
        ("severities = { critical = 7 }", "must be a receiver, or a list of them"),
        ('mutes = { DatabaseDown = "warning" }', "must be a list of severities"),
        ("watchdog = 7", "watchdog: must be a string"),
    ],
)
def test_a_mistake_is_named(tmp_path, more, named):
    (problem,) = said(tmp_path, f"{READINESS}{ALERTS}{more}\n")
    assert named in problem


def test_the_service_needs_a_role_and_the_receivers_a_name(tmp_path):
    text = ALERTS.replace('"pg"', '"pgg"').replace("9093", "0")
    problems = said(tmp_path, READINESS + text)
    assert any("alerts/service" in problem for problem in problems)
    assert any("alerts/port" in problem for problem in problems)
    nobody = ALERTS.replace('{ pager = "PAGER_URL", ticket = "TICKET_URL" }', "{}")
    assert any("alerts/receivers" in problem for problem in said(tmp_path, READINESS + nobody))
