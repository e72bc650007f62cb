from __future__ import annotations

import pytest

from gate.network import DATABASE_CLIENTS, network_problems, table
from gate.toml_error import Document


def document(tmp_path, network):
    data = {"roles": {"api": ["a"], "database": ["d"]}, "network": network}
    return Document(tmp_path / "readiness.toml", "readiness.toml", data, {}, "")


def test_without_the_table_only_the_entrance_gets_out():
    found = table({}, "gateway")
    assert (found.bind, found.egress) == (("127.0.0.1",), ("gateway",))
    assert found.clients == {"database": DATABASE_CLIENTS}


def test_what_is_given_stands_in_for_the_default():
    found = table({"bind": ["0.0.0.0"], "egress": [], "clients": {"database": ["api"]}}, "gateway")  # noqa: S104
    assert (found.bind, found.egress, found.clients) == (("0.0.0.0",), (), {"database": ("api",)})  # noqa: S104


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"egress": ["apii"]}, 'unknown role, did you mean "api"'),
        ({"clients": {"databse": ["api"]}}, 'unknown role, did you mean "database"'),
        ({"clients": {"database": "api"}}, "must be a list of roles"),
        ({"clients": {"database": ["worker"]}}, "unknown role"),
    ],
)
def test_what_names_no_role_is_refused(tmp_path, network, said):
    (problem,) = network_problems(document(tmp_path, network))
    assert said in problem.message


def test_a_sound_table_has_no_problem(tmp_path):
    assert not list(network_problems(document(tmp_path, {"egress": ["api"], "clients": {"database": ["api"]}})))
