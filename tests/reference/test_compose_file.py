"""The production compose file: what is intended for every service. What is in force, the suites find out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from procedures.live import KEYS

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.prod.yml"
MODEL: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = MODEL["services"]
GROUP = "10000"
PUBLISHING = {"gateway"}
OUTSIDE = {"gateway", "alertmanager"}
RUNS_TO_ITS_END = {"migrate"}
FOREIGN = {"grafana"}

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def test_the_services_are_those_of_the_reference_system() -> None:
    colours = {"api-blue", "api-green", "worker-blue", "worker-green"}
    platform = {"gateway", "database", "migrate", "prometheus", "alertmanager", "logs", "backup", "grafana"}
    assert set(SERVICES) == colours | platform | {"postgres-exporter", "node-exporter", "blackbox-exporter"}


@each_service
def test_a_process_has_no_power_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    uid, _, gid = service["user"].partition(":")
    assert int(uid) > 0
    assert gid == GROUP
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    forbidden = {"privileged", "cap_add", "devices", "network_mode", "pid", "userns_mode", "device_cgroup_rules"}
    assert not forbidden & service.keys()
    assert service["ipc"] == "private"


@each_service
def test_a_service_is_limited(name: str) -> None:
    service = SERVICES[name]
    assert service["mem_limit"] == service["memswap_limit"]
    assert 0 < float(service["cpus"]) <= 2
    assert 0 < service["pids_limit"] <= 256
    assert service["ulimits"]["core"] == 0
    assert service["logging"]["driver"] == "json-file"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@each_service
def test_a_service_says_whether_it_is_well(name: str) -> None:
    healthcheck = SERVICES[name]["healthcheck"]
    if name in RUNS_TO_ITS_END:
        assert healthcheck == {"disable": True}
        return
    assert healthcheck["test"][0] == "CMD"
    assert healthcheck["test"][1] not in {"true", "/bin/true"}
    # Of an engine of version 20.10, which has no start_interval.
    assert set(healthcheck) == {"test", "interval", "timeout", "retries"}


@each_service
def test_a_service_comes_back_and_goes_in_order(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("on-failure:5" if name in RUNS_TO_ITS_END else "unless-stopped")
    assert re.fullmatch(r"\d+s", service["stop_grace_period"])
    assert "depends_on" not in service


@each_service
def test_memory_that_can_be_written_is_sized_and_never_executed(name: str) -> None:
    for mount in SERVICES[name].get("tmpfs", []):
        _, _, options = mount.partition(":")
        assert {"noexec", "nosuid", "nodev"} <= set(options.split(",")), mount
        assert any(option.startswith("size=") for option in options.split(",")), mount


@each_service
def test_a_service_sees_nothing_of_the_host(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        if isinstance(volume, dict):
            assert volume["type"] == "volume"
            source = volume["source"]
        else:
            source = volume.split(":")[0]
            if source.startswith("./reference/grafana/"):
                assert volume.endswith(":ro")
                continue
        assert source in MODEL["volumes"], volume


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - FOREIGN))
def test_the_logs_of_a_service_reach_the_aggregator(name: str) -> None:
    service = SERVICES[name]
    sources = [volume["source"] if isinstance(volume, dict) else volume.split(":")[0] for volume in service["volumes"]]
    assert "log-socket" in sources
    assert service["environment"]["LOG_SERVICE"] == name


def test_only_the_gateway_publishes_a_port() -> None:
    assert {name for name, service in SERVICES.items() if service.get("ports")} == PUBLISHING
    assert all("network_mode" not in service for service in SERVICES.values())


def test_only_the_edge_leads_outside() -> None:
    internal = {name: (network or {}).get("internal", False) for name, network in MODEL["networks"].items()}
    assert internal == {"edge": False, "app": True, "data": True, "ops": True, "scrape": True}
    assert {name for name, service in SERVICES.items() if "edge" in service["networks"]} == OUTSIDE


def test_the_database_is_only_reached_by_those_who_use_it() -> None:
    on_data = {name for name, service in SERVICES.items() if "data" in service["networks"]}
    users = {"api-blue", "api-green", "worker-blue", "worker-green", "migrate", "postgres-exporter"}
    assert on_data == users | {"database"}


@each_service
def test_no_secret_is_in_the_environment(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"PASS|SECRET|TOKEN|KEY", key):
            assert str(value).startswith("/run/secrets/"), key


@each_service
def test_every_secret_that_is_mounted_exists(name: str) -> None:
    assert set(SERVICES[name].get("secrets", [])) <= MODEL["secrets"].keys()
    assert "jwt_private_key.pem" not in MODEL["secrets"]


@each_service
def test_an_image_is_named_exactly(name: str) -> None:
    image = SERVICES[name]["image"]
    assert ":latest" not in image
    own = re.fullmatch(
        r"\$\{DOCJOBS_REGISTRY:-\}docjobs-[a-z]+:\$\{(RELEASE_[A-Z]+|PLATFORM_RELEASE)(:\?[^}]+)?\}", image
    )
    assert own or image.startswith("${GRAFANA_IMAGE:?")


def test_a_missing_variable_is_a_sentence_with_the_command_that_mends_it() -> None:
    text = FILE.read_text(encoding="utf-8")
    messages = re.findall(r"\$\{[A-Z0-9_]+:\?([^}]*)\}", text)
    assert messages
    assert set(messages) == {"run scripts/prepare.sh, which writes .env"}


def test_every_variable_without_a_default_is_in_the_environment_file() -> None:
    given = set(
        re.findall(r"^([A-Z0-9_]+)=", (ROOT / "reference/env/production.env").read_text(encoding="utf-8"), re.M)
    )
    needed = set(re.findall(r"\$\{([A-Z0-9_]+)(?::\?[^}]*)?\}", FILE.read_text(encoding="utf-8")))
    assert needed <= given


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - RUNS_TO_ITS_END))
def test_a_deployment_changes_nothing_of_a_service_that_is_not_of_the_colour_it_brings(name: str) -> None:
    """Else the first `up -d` after it would make the container anew, which for the gateway is an outage."""
    colour = name.rpartition("-")[2].upper()
    own = {f"RELEASE_{colour}"} if colour in {"BLUE", "GREEN"} else set()
    intended = {key: value for key, value in SERVICES[name].items() if key != "build"}
    assert set(KEYS) & set(re.findall(r"\$\{([A-Z0-9_]+)", str(intended))) == own


def test_every_required_variable_is_demanded_once_at_least() -> None:
    text = FILE.read_text(encoding="utf-8")
    plain = set(re.findall(r"\$\{([A-Z0-9_]+)\}", text))
    demanded = set(re.findall(r"\$\{([A-Z0-9_]+):\?", text))
    assert plain <= demanded


def test_the_alert_on_connections_knows_how_many_there_are() -> None:
    settings = (ROOT / "reference/database/postgresql.conf").read_text(encoding="utf-8")
    most = re.search(r"^max_connections = (\d+)", settings, re.M)
    rules = yaml.safe_load((ROOT / "reference/prometheus/rules/database.yml").read_text(encoding="utf-8"))
    alert = next(rule for rule in rules["groups"][0]["rules"] if rule["alert"] == "DatabaseConnections")
    assert most
    assert f"of the {most[1]} connections" in alert["annotations"]["summary"]
    assert 0.8 <= int(alert["expr"].rpartition(">")[2]) / int(most[1]) <= 0.9


def test_every_alert_has_a_section_in_the_runbook() -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / "reference/runbooks/alerts.md").read_text(encoding="utf-8"), re.M)
    for file in sorted((ROOT / "reference/prometheus/rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in (rule for rule in group["rules"] if "alert" in rule):
                assert rule["alert"] in headings
                assert rule["annotations"]["runbook_url"] == f"reference/runbooks/alerts.md#{rule['alert'].lower()}"
                assert rule["labels"]["severity"] in {"critical", "warning", "none"}
