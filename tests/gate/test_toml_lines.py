"""Lines of keys: what an editor shows must be what the error says."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from gate.toml_error import unknown
from gate.toml_lines import key_lines, line_of

TEXT = '''\
top = 1
[a]
plain = 1
"quoted.key" = 2
'single' = 3
dotted.inner = { x = 1 }
text = """
[not.a.table]
plain = 9
"""
[a.b]
plain = 2
[[list]]
name = "first"
[[list]]
name = "second"
[list.extra]
deep = 1
[ "b" . c ]
last = [
  "no = key",
]
'''


def test_each_kind_of_key_is_found():
    lines = key_lines(TEXT)
    assert lines[("top",)] == 1
    assert lines[("a",)] == 2
    assert lines[("a", "plain")] == 3
    assert lines[("a", "quoted.key")] == 4
    assert lines[("a", "single")] == 5
    assert lines[("a", "dotted", "inner")] == 6
    assert lines[("a", "b", "plain")] == 12
    assert lines[("list",)] == lines[("list", 0)] == 13
    assert lines[("list", 1)] == 15
    assert lines[("b",)] == 19
    assert lines[("list", 0, "name")] == 14
    assert lines[("list", 1, "name")] == 16
    assert lines[("list", 1, "extra", "deep")] == 18
    assert lines[("b", "c", "last")] == 20
    assert ("not", "a", "table") not in lines


def test_a_key_without_a_line_of_its_own_gets_that_of_what_holds_it():
    lines = key_lines(TEXT)
    assert line_of(lines, ("a", "dotted", "inner", "x")) == 6
    assert line_of(lines, ("a", "missing")) == 2
    assert line_of(lines, ("missing",)) is None


@given(st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), unique=True, max_size=8))
def test_every_key_of_a_generated_file_is_on_its_line(names):
    text = "".join(f"{name} = 1\n" for name in names)
    assert list(tomllib.loads(text)) == names
    assert key_lines(text) == {(name,): number for number, name in enumerate(names, start=1)}


def test_a_name_that_is_not_known():
    assert unknown("role", "databse", ["database", "worker"]) == 'unknown role, did you mean "database"?'
    assert unknown("role", "x", ["worker", "api"]) == "unknown role; known here: api, worker"
    assert unknown("role", "x", []) == "unknown role; none is known here"
