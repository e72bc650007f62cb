"""Sabotage files: read strictly, because a defect that was not put in proves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.model import Sabotage
from gate.sabotage import SabotageError, expand_roles, load, load_catalogue
from tests.gate.toml_files import target

COMPLETE = """\
id = "worker-not-restarted"
title = "The worker stays down"
expects = ["deployment.self-healing", "recovery.worker-crash"]
system = "readiness.toml"
profile = "quick"

[[replace]]
file = "app/worker.py"
find = "restart"
with = ""

[compose.services."{worker}"]
restart = "no"

[[exec]]
role = "database"
command = ["psql", "-c", "SELECT 1"]
user = "0"
detach = true

[[fault]]
kind = "stopped"
role = "worker"

[[command]]
name = "rollback"
argv = ["true"]
"""


def loaded(folder: Path, text: str, name: str = "one.toml") -> Sabotage:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load(path)


def said(folder: Path, text: str) -> list[str]:
    with pytest.raises(SabotageError) as error:
        loaded(folder, text)
    return [str(problem).replace(f"{folder}/", "") for problem in error.value.problems]


def test_a_complete_sabotage(tmp_path):
    assert loaded(tmp_path, COMPLETE) == Sabotage(
        id="worker-not-restarted",
        title="The worker stays down",
        expects=("deployment.self-healing", "recovery.worker-crash"),
        system="readiness.toml",
        replace=({"file": "app/worker.py", "find": "restart", "with": ""},),
        compose={"services": {"{worker}": {"restart": "no"}}},
        exec=({"role": "database", "command": ["psql", "-c", "SELECT 1"], "user": "0", "detach": True},),
        fault=({"kind": "stopped", "role": "worker"},),
        command=({"name": "rollback", "argv": ["true"]},),
        profile="quick",
    )


MISTAKES = [
    ('id = "worker-not-restarted"', 'id = "Worker"', '1: id: must be words of a-z 0-9 joined by -, is "Worker"'),
    ('id = "worker-not-restarted"', "", ": id: this key is needed"),
    ('title = "The worker stays down"', 'title = ""', "2: title: must not be empty"),
    (
        'expects = ["deployment.self-healing", "recovery.worker-crash"]',
        "expects = []",
        "3: expects: must name at least",
    ),
    ('"recovery.worker-crash"', '"worker"', '3: expects: must be ids of checks, has "worker"'),
    ("[[replace]]", "[[repalce]]", '7: repalce: unknown key, did you mean "replace"?'),
    ('find = "restart"', 'find = ""', "9: replace/1/find: must not be empty"),
    ('with = ""', 'with = "restart"', "10: replace/1/with: is the same as find, so nothing would change"),
    ('with = ""', "", "7: replace/1/with: this key is needed"),
    ('find = "restart"', "", "7: replace/1: must have either find or pattern"),
    ('find = "restart"', 'find = "a"\npattern = "b"', "7: replace/1: must have either find or pattern"),
    ('find = "restart"', 'pattern = ""', "9: replace/1/pattern: must not be empty"),
    ('find = "restart"', 'pattern = "("', "9: replace/1/pattern: is no regular expression: "),
    ('role = "database"', 'role = "databse"', '16: exec/1/role: "databse": unknown role, did you mean "database"?'),
    (
        'command = ["psql", "-c", "SELECT 1"]',
        'command = "psql"',
        "17: exec/1/command: must be a list of strings, is the",
    ),
    ('command = ["psql", "-c", "SELECT 1"]', "command = []", "17: exec/1/command: must not be empty"),
    ("detach = true", 'detach = "yes"', '19: exec/1/detach: must be a boolean, is the string "yes"'),
    ('kind = "stopped"', 'kind = "stoped"', '22: fault/1/kind: "stoped": unknown kind, did you mean "stopped"?'),
    ('name = "rollback"', 'name = "rolback"', '26: command/1/name: "rolback": unknown name, did you mean "rollback"?'),
    ('argv = ["true"]', "argv = []", "27: command/1/argv: must not be empty"),
]


@pytest.mark.parametrize(
    ("old", "new", "message"), MISTAKES, ids=[message.partition(": ")[2] for *_, message in MISTAKES]
)
def test_one_mistake(tmp_path, old, new, message):
    assert COMPLETE.count(old) == 1
    problems = said(tmp_path, COMPLETE.replace(old, new))
    separator = "" if message.startswith(":") else ":"
    assert any(problem.startswith(f"one.toml{separator}{message}") for problem in problems), problems


def test_a_sabotage_that_does_nothing_is_refused(tmp_path):
    text = "\n".join(COMPLETE.splitlines()[:5])
    kinds = "replace, compose, exec, fault, command, advisories, generator"
    assert said(tmp_path, text) == [f"one.toml: puts in no defect: it needs at least one of {kinds}"]


def test_a_starved_generator_must_say_what_it_expects_to_hear(tmp_path):
    text = "\n".join(COMPLETE.splitlines()[:5])
    (tmp_path / "two.toml").write_text(f'{text}\nsays = "generator"\ngenerator = "starved"\n')
    assert load(tmp_path / "two.toml").generator == "starved"
    assert any("generator: needs `says`" in problem for problem in said(tmp_path, f'{text}\ngenerator = "starved"\n'))
    assert any("did you mean" in problem for problem in said(tmp_path, f'{text}\nsays = "x"\ngenerator = "starve"\n'))


def test_a_missing_file_and_one_that_is_not_toml(tmp_path):
    with pytest.raises(SabotageError, match="there is no such file"):
        load(tmp_path / "none.toml")
    assert said(tmp_path, "id = \n")[0].startswith("one.toml:1: is not TOML: Invalid value (column 6)")


def test_a_catalogue_is_read_in_the_order_of_its_names(tmp_path):
    loaded(tmp_path, COMPLETE.replace("worker-not-restarted", "second"), "b.toml")
    loaded(tmp_path, COMPLETE.replace("worker-not-restarted", "first"), "a.toml")
    (tmp_path / "README.md").touch()
    assert [sabotage.id for sabotage in load_catalogue(tmp_path)] == ["first", "second"]


def test_a_catalogue_says_the_problems_of_all_its_files(tmp_path):
    loaded(tmp_path, COMPLETE, "a.toml")
    loaded(tmp_path, COMPLETE, "b.toml")
    (tmp_path / "c.toml").write_text("id = 1", encoding="utf-8")
    with pytest.raises(SabotageError) as error:
        load_catalogue(tmp_path)
    lines = str(error.value).replace(f"{tmp_path}/", "").splitlines()
    assert 'b.toml: id: "worker-not-restarted" is the id of a.toml already' in lines
    assert 'c.toml:1: id: must be a string, is 1, write "1"' in lines
    assert "c.toml: title: this key is needed" in lines


def test_an_empty_catalogue_is_no_proof(tmp_path):
    with pytest.raises(SabotageError, match=r"holds no sabotage: there is no \*\.toml file in it"):
        load_catalogue(tmp_path)


def test_roles_become_their_services(tmp_path):
    compose = {
        "services": {
            "{worker}": {"restart": "no", "depends_on": ["{database}"], "command": ["run", "{worker}"]},
            "{api}": {
                "network_mode": "service:{database}",
                "environment": {"LIMIT": "${api:-{x}}", "N": 3, "I": "{image}"},
            },
            "mail": {"image": "mail"},
        }
    }
    worker = {"restart": "no", "depends_on": ["pg"], "command": ["run", "clerk", "sorter"]}
    assert expand_roles(compose, target(tmp_path)) == {
        "services": {
            "clerk": worker,
            "sorter": worker,
            "web": {"network_mode": "service:pg", "environment": {"LIMIT": "${api:-{x}}", "N": 3, "I": "{image}"}},
            "mail": {"image": "mail"},
        }
    }
    assert "{worker}" in compose["services"], "the sabotage itself stays as it is"


@pytest.mark.parametrize(
    ("compose", "message"),
    [
        ({"services": {"{wroker}": {}}}, r'\{wroker\}: unknown role, did you mean "worker"'),
        ({"services": {"{backup}": {}}}, r"\{backup\}: the role is not filled, so nothing would be sabotaged"),
        ({"services": {"{api}": {}, "web": {}}}, '"web" is named twice, by itself and by a role'),
        ({"services": {"{api}": {"network_mode": "service:{worker}"}}}, "the role worker has 2"),
        ({"services": {"{api}": {"image": "{worker}"}}}, "can only be one service here, and the role has 2"),
    ],
)
def test_roles_that_do_not_fit_are_refused(tmp_path, compose, message):
    with pytest.raises(SabotageError, match=message):
        expand_roles(compose, target(tmp_path))
