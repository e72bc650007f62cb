"""readiness.toml as it should be: what the Target says of it."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from gate import kernel
from gate.schema import EXAMPLE
from gate.target import ROLES, TargetError, capability_names, load
from tests.gate.toml_files import READINESS, target, written

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", ["readiness.toml", "examples/minimal/readiness.toml", "gate/example.toml"])
def test_every_readiness_file_of_this_repository_loads(path):
    assert load(ROOT / path).profile is None


def test_the_roles_are_the_closed_set():
    assert set(ROLES) == {
        *("gateway", "api", "worker", "database", "metrics", "alerts", "dashboards", "exporters", "logs", "backup"),
        *("one_shot", "other"),
    }


def test_the_smallest_file_gets_the_strictest_defaults(tmp_path):
    small = target(tmp_path)
    assert small.auth.kind == "none"
    assert small.published == ("web:9000",)
    assert small.stack.prepare == ()
    assert small.database is None
    assert small.configuration is None
    assert dict(small.commands) == dict(small.releases) == dict(small.absent) == dict(small.env) == {}


def test_a_log_store_has_its_fields_at_the_usual_places_unless_it_says_otherwise(tmp_path):
    text = f'{READINESS}\n[logs]\nservice = "pg"\nread = ["show", "{{since}}"]\nlevel = "/log/level"\nhops = ["api"]\n'
    system = load(written(tmp_path, text))
    assert system.logs is not None
    assert (system.logs.timestamp, system.logs.level, system.logs.job_id) == ("/timestamp", "/log/level", "/job_id")
    assert system.log_write == system.logs.write == target(tmp_path).log_write
    assert {"logs.read", "logs.hops"} <= system.capabilities()
    assert not {"logs.request_header", "logs.burst_alert"} & system.capabilities()
    assert not {"logs.read", "logs.hops"} & target(tmp_path).capabilities()


def test_the_file_is_identified_by_its_bytes(tmp_path):
    small = target(tmp_path)
    assert small.sha256 == hashlib.sha256(READINESS.encode()).hexdigest()
    assert small.folder == tmp_path
    assert small.file == tmp_path / "readiness.toml"


def test_a_relative_path_still_gives_an_absolute_folder(tmp_path, monkeypatch):
    written(tmp_path, READINESS)
    monkeypatch.chdir(tmp_path)
    assert load(Path("readiness.toml")).folder == tmp_path


def test_a_target_cannot_be_changed(tmp_path):
    with pytest.raises(FrozenInstanceError):
        target(tmp_path).title = "another"


def test_roles_and_services_lead_to_each_other(tmp_path):
    small = target(tmp_path)
    assert small.services("worker") == ("clerk", "sorter")
    assert small.services("backup") == ()
    assert small.role_of("sorter") == "worker"
    assert small.role_of("nobody") is None
    with pytest.raises(KeyError, match='did you mean "worker"'):
        small.services("workers")


def test_a_service_without_role_is_found(tmp_path):
    small = target(tmp_path)
    assert small.unassigned(["web", "mail", "pg", "cron"]) == ("mail", "cron")
    small.demand_roles_for(["web", "clerk", "sorter", "pg"])


def test_roles_must_name_the_services_of_the_compose_file_exactly(tmp_path):
    with pytest.raises(TargetError) as error:
        target(tmp_path).demand_roles_for(["web", "clerk", "sorted", "pg"])
    file = tmp_path / "readiness.toml"
    assert str(error.value).splitlines() == [
        f'{file}: roles: the service "sorted" of the compose file has no role',
        '  mend: give it the one that fits, or: other = ["sorted"]',
        f'{file}: roles/worker: "sorter" is not in the compose file: unknown service, did you mean "sorted"?',
    ]


def test_files_that_a_run_needs_must_be_there(tmp_path):
    more = """
[configuration]
file = "production.env"
[commands]
deploy = ["scripts/deploy.sh", "{release}"]
rollback = ["docker", "compose", "up"]
"""
    small = target(tmp_path, ('mode = "own"', 'mode = "own"\nenv_file = "base.env"'), more=more)
    with pytest.raises(TargetError) as error:
        small.demand_files()
    assert [(problem.path, problem.message) for problem in error.value.problems] == [
        ("stack/compose", f'there is no file "compose.yaml" in {tmp_path}'),
        ("stack/env_file", f'there is no file "base.env" in {tmp_path}'),
        ("configuration/file", f'there is no file "production.env" in {tmp_path}'),
        ("commands/deploy", f'there is no file "scripts/deploy.sh" in {tmp_path}'),
    ]
    (tmp_path / "scripts").mkdir()
    for name in ("compose.yaml", "base.env", "production.env", "scripts/deploy.sh"):
        (tmp_path / name).touch()
    small.demand_files()


def test_a_profile_lays_its_variables_over_those_of_the_stack(tmp_path):
    more = '\n[profiles.quick]\nenv = { PACE = "1" }\n'
    change = ('mode = "own"', 'mode = "own"\nenv = { PACE = "9", LEVEL = "info" }')
    assert target(tmp_path, change, more=more).env == {"PACE": "9", "LEVEL": "info"}
    assert target(tmp_path, change, more=more, profile="quick").env == {"PACE": "1", "LEVEL": "info"}
    assert target(tmp_path, change, more=more, profile="soak").env == {"PACE": "9", "LEVEL": "info"}


def test_a_profile_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(TargetError, match='profiles: unknown profile, did you mean "quick"'):
        target(tmp_path, profile="quik")


def test_capabilities_are_what_the_file_describes_and_nothing_else(tmp_path):
    assert target(tmp_path).capabilities() == {"api", "worker", "database", "job", "faults"}
    more = """
running = ["BUSY"]
[database]
name = "post"
user = "pg"
effects_sql = "SELECT 1"
[commands]
deploy = ["deploy", "{release}"]
[releases]
previous = "1"
candidate = "2"
"""
    extra = {"job.running", "database.sql", "database.effects_sql", "commands.deploy"}
    extra |= {"releases.previous", "releases.candidate", "live-switch"}
    assert target(tmp_path, more=more).capabilities() == {"api", "worker", "database", "job", "faults"} | extra


def test_the_complete_example_has_every_capability_there_is(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    lines = [
        line.lstrip("#") if line.startswith("#") and not line.startswith("# ") else line for line in text.splitlines()
    ]
    complete = "\n".join(lines).replace('scheme = "http" ', 'scheme = "https" ')
    assert load(written(tmp_path, complete)).capabilities() == capability_names() - kernel.NEEDS


def test_an_absence_is_the_owners_sentence(tmp_path):
    more = '\n[absent]\n"recovery.*" = "No backups."\n"recovery.worker-crash" = "One worker only."\n'
    small = target(tmp_path, more=more)
    assert small.absence("recovery.restore") == "No backups."
    assert small.absence("recovery.worker-crash") == "One worker only."
    assert small.absence("rollback.time") is None


def test_a_limit_is_a_number_or_a_number_with_a_reason(tmp_path):
    more = '\n[limits]\n"rollback.time_s" = 300\n"load.error_ratio" = { value = 0.01, reason = "Old clients." }\n'
    limits = target(tmp_path, more=more).limits
    assert (limits["rollback.time_s"].value, limits["rollback.time_s"].unit) == (300, "s")
    assert limits["rollback.time_s"].reason == "Set in readiness.toml without a reason; the default is 600 s."
    assert (limits["load.error_ratio"].value, limits["load.error_ratio"].reason) == (0.01, "Old clients.")
    assert limits["load.processing_s"].value == 25


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deployment.cold_start_s", 1800),
        ("deployment.start_s", 120),
        ("deployment.self_healing_s", 30),
        ("deployment.dry_run_s", 60),
        ("rollback.time_s", 600),
        ("recovery.worker_takeover_s", 60),
        ("load.processing_s", 25),
        ("load.error_ratio", 0),
    ],
)
def test_default_limits(tmp_path, name, value):
    limit = target(tmp_path).limits[name]
    assert limit.value == value
    assert limit.direction == "max"
    assert limit.unit == ("ratio" if name.endswith("_ratio") else "s")
    assert limit.reason.endswith(".")


LIMITS = """
[limits]
"deployment.interruptions" = { value = 9, quick = 3, reason = "Nine phases, three of them in a quick run." }
"rollback.repeats" = 7
"""


@pytest.mark.parametrize(
    ("profile", "interruptions", "orders"), [(None, 9, 2), ("quick", 3, 1), ("release", 9, 2), ("soak", 9, 2)]
)
def test_a_limit_may_depend_on_the_length_of_the_run(tmp_path, profile, interruptions, orders):
    limits = target(tmp_path, more=LIMITS, profile=profile).limits
    assert limits["deployment.interruptions"].value == interruptions
    assert limits["deployment.interruptions"].reason.startswith("Nine phases")
    assert limits["deployment.start_orders"].value == orders
    assert limits["rollback.repeats"].value == 7


def test_bad_releases_metrics_and_a_new_body_become_capabilities(tmp_path):
    more = """
[metrics]
service = "web"
port = 9090
deployment_marker = "deployed"
[bad_releases]
slow = ["2", "3"]
"""
    with_body = ('body = { name = "{key}" }', 'body = { name = "{key}" }\nnew_body = { kind = "new", name = "{key}" }')
    found = target(tmp_path, with_body, more=more)
    assert found.bad_releases == {"slow": ("2", "3")}
    assert found.job.new_body == {"kind": "new", "name": "{key}"}
    assert {"bad_releases.slow", "metrics.deployment_marker", "job.new_body"} <= found.capabilities()
    assert found.capabilities() <= capability_names()
