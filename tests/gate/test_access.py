"""[access] of readiness.toml: what it becomes, and each mistake in it."""

from __future__ import annotations

import pytest

from gate.target import capability_names, load
from tests.gate.toml_files import READINESS, said, written

AUTH = """
[auth]
kind = "bearer"
token_command = ["true", "{tenant}", "{role}"]
tenant = "acme"
role = "operator"
"""
ACCESS = """
[access]
openapi = "/openapi.json"
port = 8000
public = ["GET /alive"]
other_tenant = "globex"
sign = ["true", "{claims}"]
revoke = ["true", "{token_id}"]
roles.operator = ["* /v1/*"]
roles.auditor = ["GET /v1/*"]
"""


def test_without_the_table_nothing_of_it_is_offered(tmp_path):
    target = load(written(tmp_path, READINESS))
    assert target.access is None
    assert not any(name.startswith("access.") for name in target.capabilities())


def test_everything_that_may_be_said(tmp_path):
    target = load(written(tmp_path, READINESS + AUTH + ACCESS))
    table = target.access
    assert table is not None
    assert table.is_public("GET /alive")
    assert not table.is_public("POST /alive")
    assert table.allows("operator", "DELETE /v1/jobs/{id}")
    assert table.allows("auditor", "GET /v1/jobs/{id}")
    assert not table.allows("auditor", "POST /v1/jobs")
    assert not table.allows("stranger", "GET /v1/jobs")
    offered = {"openapi", "roles", "other_tenant", "sign", "revoke", "port"}
    assert {f"access.{name}" for name in offered} <= target.capabilities() & capability_names()


@pytest.mark.parametrize(
    ("find", "put", "named"),
    [
        ('public = ["GET /alive"]', 'public = ["/alive"]', "must be a method and a path"),
        ('roles.auditor = ["GET /v1/*"]', 'roles.auditor = "GET /v1/*"', "must be a list of operations"),
        ('roles.auditor = ["GET /v1/*"]', 'roles.auditor = ["get /v1"]', "must be a method and a path"),
        ('roles.operator = ["* /v1/*"]', "", "role"),
        ('other_tenant = "globex"', 'other_tenant = "acme"', "must be another than"),
        ("port = 8000", "", "this key is needed with openapi"),
        ("port = 8000", "port = 0", "must be from 1 to 65535"),
        ('["true", "{claims}"]', '["true"]', "must contain {claims}"),
        ('["true", "{claims}"]', '["true", "{claims}", "{clams}"]', "{clams}"),
        ('openapi = "/openapi.json"', 'openapi = "openapi.json"', "a path that begins with /"),
        ("[access]", "[access]\nsings = []", 'did you mean "sign"?'),
        ("[access]", '[access]\nbodies."POST /v1/a" = 7', "must be a table"),
    ],
)
def test_a_mistake_is_named(tmp_path, find, put, named):
    assert ACCESS.count(find) == 1
    problems = said(tmp_path, READINESS + AUTH + ACCESS.replace(find, put))
    assert any(named in problem for problem in problems), problems


def test_roles_need_credentials(tmp_path):
    (problem,) = said(tmp_path, READINESS + ACCESS)
    assert "describe them in [auth]" in problem
