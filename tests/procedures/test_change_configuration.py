"""A change of settings decides right, without an engine: what it runs, what the file says afterwards, what it refuses."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from procedures import change_configuration
from procedures.change_configuration import request
from procedures.commands import Argv
from procedures.procedure import carry_out
from tests.procedures.recording import COMPOSE, Recorded

PRODUCTION = Path("reference/env/production.env").read_text(encoding="utf-8")
TAKEN_BY = {
    "DOCJOBS_HEARTBEAT_S": ("worker-blue", "worker-green"),
    "DOCJOBS_QUEUE_AGE_LIMIT_S": ("api-blue", "api-green"),
    "DOCJOBS_QUEUE_LIMIT": ("api-blue", "api-green"),
    "DOCJOBS_BACKUP_STALE_S": ("backup",),
    "DOCJOBS_RATE_LIMIT_10S": ("gateway",),
}
BACKUP = COMPOSE.up(("backup",))


@dataclass
class Configured(Recorded):
    """The recorded system with the settings that its services take."""

    def _services(self, env: dict[str, str]) -> dict[str, Any]:
        found = super()._services(env) | {"backup": {}, "gateway": {}}
        for key, services in TAKEN_BY.items():
            for service in services:
                found[service] = {**found[service], key: env.get(key)}
        return found


@pytest.fixture
def configured(system: Recorded) -> Configured:
    system.file.write_text(PRODUCTION, encoding="utf-8")
    return Configured(system.file)


def audit() -> list[dict[str, Any]]:
    text = Path(os.environ["DOCJOBS_STATE_DIR"], "audit.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_setting_of_the_workers_comes_up_beside_and_is_written_down_last(configured: Configured) -> None:
    seen = {}

    def look(argv: Argv) -> bool:
        if argv == COMPOSE.workers_to("green"):
            seen["file"] = configured.values["DOCJOBS_HEARTBEAT_S"]
        return False

    configured.fails = look
    outcome = carry_out(request({"DOCJOBS_HEARTBEAT_S": "1"}), configured)
    assert (outcome.result, outcome.status) == ("configured", 0)
    assert seen == {"file": "2"}
    started = configured.environments[configured.argvs.index(COMPOSE.start("green"))]
    assert (started["DOCJOBS_HEARTBEAT_S"], started["RELEASE_GREEN"]) == ("1", "1.0.0")
    assert configured.values["DOCJOBS_HEARTBEAT_S"] == "1"
    assert configured.values["COMPOSE_PROFILES"] == "green"
    assert (configured.active, configured.running) == ("green", {"green": "1.0.0"})


def test_it_is_recorded_with_both_values(configured: Configured) -> None:
    carry_out(request({"DOCJOBS_HEARTBEAT_S": "1"}), configured)
    line = audit()[-1]
    assert (line["action"], line["result"], line["release"]) == ("configure", "configured", "1.0.0")
    assert line["changes"] == {"DOCJOBS_HEARTBEAT_S": {"from": "2", "to": "1"}}
    assert line["who"]


@pytest.mark.slow
def test_the_plan_is_what_a_change_then_runs(configured: Configured) -> None:
    wanted = {"DOCJOBS_HEARTBEAT_S": "1", "DOCJOBS_BACKUP_STALE_S": "7300"}
    planned = carry_out(request(wanted, dry_run=True), configured)
    assert (planned.result, planned.status) == ("planned", 0)
    assert configured.changes == []
    assert configured.file.read_text(encoding="utf-8") == PRODUCTION
    assert BACKUP in planned.plan
    carry_out(request(wanted), configured)
    assert configured.changes == list(planned.plan)


@pytest.mark.slow
def test_a_setting_of_other_services_alone_turns_no_colour(configured: Configured) -> None:
    outcome = carry_out(request({"DOCJOBS_BACKUP_STALE_S": "7300"}), configured)
    assert outcome.result == "configured"
    assert configured.changes == [BACKUP]
    assert configured.values["DOCJOBS_BACKUP_STALE_S"] == "7300"
    assert configured.active == "blue"


def test_the_old_value_takes_it_back(configured: Configured) -> None:
    carry_out(request({"DOCJOBS_HEARTBEAT_S": "1"}), configured)
    outcome = carry_out(request({"DOCJOBS_HEARTBEAT_S": "2"}), configured)
    assert outcome.result == "configured"
    assert configured.values["DOCJOBS_HEARTBEAT_S"] == "2"
    assert configured.active == "blue"


def test_a_value_that_is_there_changes_nothing(configured: Configured) -> None:
    outcome = carry_out(request({"DOCJOBS_HEARTBEAT_S": "2"}), configured)
    assert (outcome.result, outcome.status) == ("unchanged", 0)
    assert configured.changes == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"DOCJOBS_HEARTBEAT_S": "many"}, "DOCJOBS_HEARTBEAT_S"),
        ({"DOCJOBS_HEARTBEAT_S": "3"}, "DOCJOBS_STALLED_S: must be at least three times"),
        ({"DOCJOBS_HEARTBEET_S": "1"}, "did you mean DOCJOBS_HEARTBEAT_S?"),
        ({"DOCJOBS_LOGS_DAYS": "1"}, "DOCJOBS_LOGS_DAYS"),
        ({"RELEASE_BLUE": "1.1.0"}, "only a deployment changes that"),
        ({"DOCJOBS_PAGER_URL": "http://a b"}, "DOCJOBS_PAGER_URL: holds a blank"),
        ({"DOCJOBS_PAGER_URL": "x\nRELEASE_BLUE=9"}, "DOCJOBS_PAGER_URL: holds a blank"),
        ({"DOCJOBS_RATE_LIMIT_10S": "4000"}, "gateway, which cannot be changed under traffic"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_starts(
    configured: Configured, wanted: dict[str, str], said: str
) -> None:
    outcome = carry_out(request(wanted), configured)
    assert (outcome.result, outcome.status) == ("refused", 2)
    assert said in outcome.reason
    assert configured.changes == []
    assert configured.file.read_text(encoding="utf-8") == PRODUCTION
    line = audit()[-1]
    assert (line["result"], line["release"], line["asked"]) == ("refused", "1.0.0", next(iter(wanted)))


def test_an_unknown_setting_is_no_release_and_the_way_out_names_those_that_there_are(configured: Configured) -> None:
    outcome = carry_out(request({"FOO": "1"}, dry_run=True), configured)
    values = outcome.values()
    assert (values["result"], values["release"], values["asked"]) == ("refused", "1.0.0", "FOO")
    document = "reference/docs/configuration.md"
    assert f"FOO: unknown variable. To mend it: {document} names the settings" in outcome.reason
    named = Path(document).read_text(encoding="utf-8")
    assert not [key for key in configured.values if f"`{key}`" not in named]


def test_what_is_wrong_in_the_file_itself_is_shown_by_the_command_that_reads_that_file(configured: Configured) -> None:
    configured.file.write_text(PRODUCTION + "FOO=1\n", encoding="utf-8")
    outcome = carry_out(request({"DOCJOBS_HEARTBEAT_S": "1"}), configured)
    assert outcome.result == "refused"
    assert outcome.reason.endswith(f"To mend it: scripts/validate-production-config.sh {configured.file}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "fails",
    [
        COMPOSE.start("green"),
        COMPOSE.canary("green", 30),
        COMPOSE.gateway_to("green"),
        COMPOSE.workers_to("green"),
        BACKUP,
    ],
)
def test_a_step_that_fails_is_undone(configured: Configured, fails: Argv) -> None:
    once = []

    def first(argv: Argv) -> bool:
        if argv == fails and not once:
            once.append(argv)
            return True
        return False

    configured.fails = first
    outcome = carry_out(request({"DOCJOBS_HEARTBEAT_S": "1", "DOCJOBS_BACKUP_STALE_S": "7300"}), configured)
    assert once
    assert (outcome.result, outcome.status) == ("rolled-back", 1)
    assert configured.values == dict(line.split("=", 1) for line in PRODUCTION.splitlines() if line and line[0] != "#")
    assert (configured.active, configured.running) == ("blue", {"blue": "1.0.0"})
    renewed = [env for argv, env in zip(configured.argvs, configured.environments, strict=True) if argv == BACKUP]
    assert renewed[-1]["DOCJOBS_BACKUP_STALE_S"] == "7200"


def test_a_setting_that_is_none_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        change_configuration.main(["DOCJOBS_HEARTBEAT_S"])
    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["result"] == "refused"
