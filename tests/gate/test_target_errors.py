"""readiness.toml as it should not be: each mistake gets one sentence with its line, its path and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.target import TargetError, load
from tests.gate.toml_files import READINESS, changed, said, written


def test_the_small_file_is_well(tmp_path):
    assert said(tmp_path, READINESS) == []


def test_no_file(tmp_path):
    with pytest.raises(TargetError) as error:
        load(tmp_path / "readiness.toml")
    assert str(error.value) == f"{tmp_path}/readiness.toml: there is no such file\n  mend: readygate init"


def test_in_a_folder_below_one_is_sent_to_the_file_that_there_is(tmp_path):
    below = tmp_path / "a system" / "docs" / "how-to"
    below.mkdir(parents=True)
    written(below.parents[1], READINESS)
    with pytest.raises(TargetError) as error:
        load(below / "readiness.toml")
    there = below.parents[1]
    assert str(error.value).endswith(f"\n  mend: cd '{there}' (or --target '{there}/readiness.toml')")


def test_a_folder_is_not_a_file(tmp_path):
    with pytest.raises(TargetError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_not_text(tmp_path):
    path = tmp_path / "readiness.toml"
    path.write_bytes(b'schema = "\xff"')
    with pytest.raises(TargetError, match=r"is not UTF-8 text \(byte 10\)"):
        load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "schema = 1\ntitle",
            "readiness.toml:2: is not TOML: Expected '=' after a key in a key/value pair (at the end",
        ),
        (
            "schema = 1\nti tle = 2\n",
            "readiness.toml:2: is not TOML: Expected '=' after a key in a key/value pair (col",
        ),
        ("schema = 1\nschema = 1\n", "readiness.toml:2: is not TOML: Cannot overwrite a value (column 11)"),
        ("[stack\n", "readiness.toml:1: is not TOML: Expected ']' at the end of a table declaration (column 7)"),
    ],
)
def test_not_toml(tmp_path, text, message):
    (problem,) = said(tmp_path, text)
    assert problem.startswith(message)


def test_an_empty_file_lacks_every_needed_table(tmp_path):
    problems = said(tmp_path, "")
    assert problems == [
        "readiness.toml: api: this table is needed\n  mend: describe it as [api] in gate/example.toml does",
        "readiness.toml: job: this table is needed\n  mend: describe it as [job] in gate/example.toml does",
        "readiness.toml: roles: this table is needed\n  mend: describe it as [roles] in gate/example.toml does",
        "readiness.toml: schema: this key is needed\n  mend: for example schema = 1",
        "readiness.toml: stack: this table is needed\n  mend: describe it as [stack] in gate/example.toml does",
        "readiness.toml: target: this table is needed\n  mend: describe it as [target] in gate/example.toml does",
    ]


def test_all_problems_are_said_at_once_in_the_order_of_the_file(tmp_path):
    text = changed(
        ('database = ["pg"]', 'databse = ["pg"]'),
        ("port = 9000", 'port = "9000"'),
        ("accepted = [201]", "accepted = 201"),
        ('mode = "own"', 'mode = "borrowed"'),
    )
    assert said(tmp_path, text) == [
        'readiness.toml:8: stack/mode: must be "own", is "borrowed"',
        'readiness.toml:11: roles/database: this key is needed\n  mend: for example database = ["database"]',
        'readiness.toml:14: roles/databse: unknown key, did you mean "database"?',
        'readiness.toml:18: api/port: must be an integer, is the string "9000"',
        "readiness.toml:26: job/accepted: must be a list of integers, is 201",
    ]


MISTAKES = [
    # names
    ("schema = 1", "schema = 2", "schema: must be 1, is 2"),
    ("[target]", "[targets]", 'targets: unknown key, did you mean "target"?'),
    ('title = "Post office"', 'titel = "Post office"', 'target/titel: unknown key, did you mean "title"?'),
    ('worker = ["clerk', 'wroker = ["clerk', 'roles/wroker: unknown key, did you mean "worker"?'),
    (
        'live = "/alive"',
        'live = "/alive"\nzzz = 1',
        "api/zzz: unknown key; known here: ca_file, live, port, ready, sche",
    ),
    # types
    ('title = "Post office"', "title = 5", 'target/title: must be a string, is 5, write "5"'),
    ('title = "Post office"', "title = true", "target/title: must be a string, is true"),
    ("port = 9000", "port = true", "api/port: must be an integer, is true"),
    ("port = 9000", "port = 9000.5", "api/port: must be an integer, is 9000.5"),
    (
        'compose = ["compose.yaml"]',
        'compose = "a.yaml"',
        'stack/compose: must be a list of strings, is the string "a.yaml"',
    ),
    (
        "accepted = [201]",
        'accepted = [201, "202"]',
        'job/accepted: must be a list of integers, is the list [201, "202"]',
    ),
    ('body = { name = "{key}" }', 'body = "{key}"', 'job/body: must be a table, is the string "{key}"'),
    ('mode = "own"', 'mode = "own"\nenv = { A = 1 }', 'stack/env/A: must be a string, is 1, write "1"'),
    ('mode = "own"', 'mode = "own"\nenv = ["A=1"]', 'stack/env: must be a table, is the list ["A=1"]'),
    (
        'mode = "own"',
        'mode = "own"\nstart_timeout_s = "9s"',
        'stack/start_timeout_s: must be a number, is the string "9s"',
    ),
    # values
    ('scheme = "http"', 'scheme = "ftp"', 'api/scheme: must be "http" or "https", is "ftp"'),
    ('submit_method = "POST"', 'submit_method = "GET"', 'job/submit_method: must be "POST" or "PUT", is "GET"'),
    ('name = "post"', 'name = "Post Office"', 'target/name: must be at most 31 of a-z 0-9 _ -, is "Post Office"'),
    ('name = "post"', 'name = " "', "target/name: must not be empty"),
    ('compose = ["compose.yaml"]', "compose = []", "stack/compose: must not be empty"),
    ('database = ["pg"]', "database = []", "roles/database: must not be empty"),
    ('database = ["pg"]', 'database = [""]', "roles/database: must not be empty"),
    (
        'compose = ["compose.yaml"]',
        'compose = ["/c.yaml"]',
        "stack/compose: must be a path inside the folder of this file",
    ),
    (
        'compose = ["compose.yaml"]',
        'compose = ["../c.yaml"]',
        "stack/compose: must be a path inside the folder of this",
    ),
    ("port = 9000", "port = 90000", "api/port: must be from 1 to 65535, is 90000"),
    ("accepted = [201]", "accepted = [201, 404]", "job/accepted: must be status codes from 200 to 299, has 404"),
    ('mode = "own"', 'mode = "own"\nstart_timeout_s = 0', "stack/start_timeout_s: must be more than 0 seconds, is 0"),
    ('live = "/alive"', 'live = "alive"', 'api/live: must be a path that begins with /, is "alive"'),
    (
        'id_pointer = "/ref"',
        'id_pointer = "ref"',
        'job/id_pointer: must be a JSON pointer that begins with /, is "ref"',
    ),
    # placeholders
    ('status_path = "/tasks/{id}"', 'status_path = "/tasks"', "job/status_path: must contain {id}"),
    (
        'status_path = "/tasks/{id}"',
        'status_path = "/t/{id}{ref}"',
        "job/status_path: {ref}: unknown placeholder; known here: id",
    ),
    (
        'body = { name = "{key}" }',
        'body = { name = "x" }',
        "job/body: must contain {key}, or headers must: jobs are told",
    ),
    (
        'body = { name = "{key}" }',
        'body = { a = ["{kex}", "{key}"] }',
        'job/body: {kex}: unknown placeholder, did you mean "key"?',
    ),
    # rules across keys
    ('database = ["pg"]', 'database = ["clerk"]', 'roles/database: "clerk" has the role worker already; a service has'),
    ('service = "web"', 'service = "wep"', 'api/service: "wep" has no role: unknown service, did you mean "web"?'),
    (
        'succeeded = ["DONE"]',
        'succeeded = ["DONE", "NEW"]',
        'job/succeeded: "NEW" is in pending already; a state is in',
    ),
    (
        'succeeded = ["DONE"]',
        'succeeded = ["DONE"]\nrunning = ["HELD"]',
        'job/running: "HELD" must be one of pending: NEW, BUSY',
    ),
    (
        'succeeded = ["DONE"]',
        'succeeded = ["DONE"]\nstages = ["a"]',
        "job/stage_pointer: this key is needed with stages",
    ),
    (
        'succeeded = ["DONE"]',
        'succeeded = ["DONE"]\nstage_pointer = "stage"\nrunning = ["BUSY"]',
        "job/stage_pointer: must be a JSON pointer",
    ),
    ('live = "/alive"', 'live = "/alive"\nversion = "/v"', "api/version_pointer: this key is needed with version"),
]


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES, ids=[message.split(",")[0] for *_, message in MISTAKES])
def test_one_mistake(tmp_path, old, new, message):
    problems = said(tmp_path, changed((old, new)))
    assert any(f": {message}" in problem for problem in problems), problems
    assert all(problem.startswith("readiness.toml:") for problem in problems)


METRICS = '[metrics]\nservice = "web"\nport = 1\n'
DASHBOARDS = '[dashboards]\nfiles = ["*.json"]\n'
TABLES = [
    (
        f"{METRICS}[metrics.signals]\napi_latencey = 'up'",
        'metrics/signals/api_latencey: unknown signal, did you mean "api_l',
    ),
    (f"{METRICS}[metrics.signals]\napi_latency = ' '", "metrics/signals/api_latency: must not be empty"),
    (f"{METRICS}[metrics.signals]\napi_latency = 1", "metrics/signals/api_latency: must be a string, is 1"),
    (f"{METRICS}[metrics.unmeasured]\nbackup = 'x'", "metrics/unmeasured/backup: unknown signal"),
    (
        f"{METRICS}[metrics.signals]\nbackup_age = 'x'\n[metrics.unmeasured]\nbackup_age = 'x'",
        "metrics/unmeasured/backup_age: is measured: it stands in [metrics.signals] too",
    ),
    (
        f"{METRICS}[metrics.unscraped]\nclerc = 'x'",
        'metrics/unscraped/clerc: "clerc" has no role: unknown service, did you',
    ),
    (f"{METRICS}rules = ['/etc/*.yml']", "metrics/rules: must be a path inside the folder of this file"),
    (f"{DASHBOARDS}service = 'grafana'", 'dashboards/service: "grafana" has no role'),
    (f"{DASHBOARDS}port = 0", "dashboards/port: must be from 1 to 65535, is 0"),
    (
        f"{DASHBOARDS}[dashboards.shows]\n'a/B' = 'broken api falls'",
        'dashboards/shows/a/B: must be stopped | paused | killed, a role, rises | falls | blank, is "broken api falls"',
    ),
    (
        f"{DASHBOARDS}[dashboards.shows]\n'a/B' = 'stopped apo falls'",
        "dashboards/shows/a/B: unknown role, did you mean",
    ),
    (
        f"{DASHBOARDS}[dashboards.shows]\n'B' = 'stopped api falls'",
        "dashboards/shows/B: must be the dashboard's uid/the",
    ),
    ('[commands]\ntest_rules = ["promtool"]', "commands/test_rules: must contain {file}"),
    ('[auth]\nkind = "basic"', 'auth/kind: must be "none" or "bearer", is "basic"'),
    ('[auth]\nkind = "bearer"', 'auth/token_command: this key is needed with kind = "bearer"'),
    (
        '[auth]\nkind = "bearer"\ntoken_command = ["t", "{role}"]',
        "auth/role: this key is needed: token_command uses {role}",
    ),
    ('[database]\nname = "x"', 'database/user: this key is needed\n  mend: for example user = "postgres"'),
    ('[commands]\ndepoly = ["x"]', 'commands/depoly: unknown key, did you mean "deploy"?'),
    (
        '[commands]\ndeploy = "x {release}"',
        'commands/deploy: must be a list of strings, is the string "x {release}", write ["x',
    ),
    ('[commands]\ndeploy = ["x"]', "commands/deploy: must contain {release}"),
    (
        '[commands]\nrollback = ["x", "{release}"]',
        "commands/rollback: {release}: unknown placeholder; none is known here",
    ),
    ('[releases]\ncandidate = "2"', 'releases/previous: this key is needed\n  mend: for example previous = "1.0.0"'),
    ('[published]\nports = ["9000"]', 'published/ports: must be service:port, has "9000"'),
    ('[published]\nports = ["wep:9000"]', 'published/ports: "wep" has no role: unknown service, did you mean "web"?'),
    ("[profiles.quik]", 'profiles/quik: unknown key, did you mean "quick"?'),
    ("[profiles.quick]\nenv = { A = 1 }", 'profiles/quick/env/A: must be a string, is 1, write "1"'),
    ('[absent]\n"backup" = "None."', "absent/backup: must be the id of a check or a pattern within one area, such as"),
    ('[absent]\n"*.backup" = "None."', "absent/*.backup: must be the id of a check or a pattern within one area"),
    ('[absent]\n"*" = "None."', "absent/*: must be the id of a check or a pattern within one area"),
    ('[absent]\n"recovery.*" = " "', "absent/recovery.*: must be the owner's sentence"),
    ('[absent]\n"recovery.*" = true', "absent/recovery.*: must be a string, is true"),
    ('[limits]\n"rollback.time" = 5', 'limits/rollback.time: unknown limit, did you mean "rollback.time_s"?'),
    (
        '[limits]\n"rollback.time_s" = "5 min"',
        "limits/rollback.time_s: must be a number, or { value = number, reason =",
    ),
    ('[limits]\n"rollback.time_s" = -1', "limits/rollback.time_s: must not be negative"),
    ('[limits]\n"rollback.time_s" = inf', "limits/rollback.time_s: must be a number, or { value = number, reason ="),
    ('[limits]\n"rollback.time_s" = nan', "limits/rollback.time_s: must be a number, or { value = number, reason ="),
    (
        '[limits]\n"rollback.time_s" = { reason = "Why." }',
        "limits/rollback.time_s/value: this key is needed: the number to",
    ),
    (
        '[limits]\n"rollback.time_s" = { value = 5, reason = "" }',
        "limits/rollback.time_s/reason: must be a sentence that says",
    ),
    (
        '[limits]\n"rollback.time_s" = { value = 5, unit = "min" }',
        'limits/rollback.time_s/unit: is always "s" for this limit',
    ),
    (
        '[limits]\n"rollback.time_s" = { value = 5, why = "" }',
        "limits/rollback.time_s/why: unknown key; known here: direction",
    ),
]


@pytest.mark.parametrize(("more", "message"), TABLES, ids=[message.split(",")[0] for _, message in TABLES])
def test_one_mistake_in_an_optional_table(tmp_path, more, message):
    problems = said(tmp_path, changed(more=f"\n{more}\n"))
    assert any(message in problem for problem in problems), problems
    (line,) = {int(problem.split(":")[1]) for problem in problems}
    assert line > len(READINESS.splitlines()), "the line must be that of the mistake"


def test_any_cut_of_a_good_file_is_refused_in_words(tmp_path):
    lines = READINESS.splitlines(keepends=True)
    for end in range(len(lines)):
        assert said(tmp_path, "".join(lines[:end])), f"cut before line {end + 1}"


def test_any_key_taken_away_is_missed(tmp_path):
    lines = READINESS.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if "=" in line:
            key = line.partition(" =")[0]
            problems = said(tmp_path, "".join(lines[:number] + lines[number + 1 :]))
            assert any(
                f"{key}: this {what} is needed" in problem for what in ("key", "table") for problem in problems
            ), key


def test_a_file_in_another_folder_is_named_as_the_caller_named_it(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    written(tmp_path / "there", "")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TargetError) as error:
        load(Path("there/readiness.toml"))
    assert {problem.file for problem in error.value.problems} == {"there/readiness.toml"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('hops = ["api", "gateway"]', '"gateway" is no role that is filled'),
        ('level = "level"', "must be a JSON pointer that begins with /"),
        ('service = "stranger"', '"stranger" has no role'),
        ('read = ["show", "{from}"]', "{from}: unknown placeholder"),
        ("exempt = { art = 1 }", "must be"),
        ("hops = []", "must not be empty"),
    ],
)
def test_a_log_store_that_cannot_be_read(tmp_path, line, message):
    keys = {"service": 'service = "pg"', "read": 'read = ["show"]'} | {line.split()[0]: line}
    assert any(message in each for each in said(tmp_path, "\n".join([READINESS, "[logs]", *keys.values(), ""])))
