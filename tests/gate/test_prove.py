"""Proving: only a check that is green on the healthy system and red under the defect is a catch; all else is none."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from gate import commands
from gate import prove as proving
from gate.check import CheckError
from gate.errors import CouldNotRunError
from gate.model import Outcome, Run, Sabotage
from gate.progress import Progress
from gate.proof import Catch, Proof, Proofs, applicable
from gate.prove import Defect, NotPutInError, ProofRequest, of_checks, prove, side_by_side
from gate.runner import _sabotage_of
from gate.target import load
from tests.gate import bench
from tests.gate.toml_files import READINESS, written
from tests.reports.factory import go

A, B = "recovery.a", "recovery.b"
EDIT = {"file": "compose.yaml", "find": "restart: always", "with": "restart: no"}
# Reads the system as a lane would: the check is red when the defect is in the system.
SUITE = (
    bench.HEAD
    + """
@a("recovery.a")
def test_a(evidence, target):
    evidence.observed(1, "file")
    assert "restart: always" in (target.folder / "compose.yaml").read_text(), "no restart"
"""
)


def outcomes(**by_id: Outcome) -> Run:
    found = tuple(replace(go().checks[0], id=f"recovery.{name}", outcome=outcome) for name, outcome in by_id.items())
    return replace(go(), checks=found, expected=tuple(check.id for check in found))


def defect(*expects: str, **more: object) -> Sabotage:
    return Sabotage(id="x", title="x", expects=expects or (A,), **more)  # type: ignore[arg-type]


P, F, U, N = Outcome.PASSED, Outcome.FAILED, Outcome.UNVERIFIED, Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("found", "expects", "green", "catch"),
    [
        ({"a": F}, (A,), {A}, Catch.CAUGHT),
        ({"a": P}, (A,), {A}, Catch.MISSED),
        ({"a": U}, (A,), {A}, Catch.ERROR),
        ({"a": N}, (A,), {A}, Catch.ERROR),
        ({}, (A,), {A}, Catch.ERROR),
        ({"a": F}, (A,), set(), Catch.ERROR),  # red anyway: a false alarm catches nothing
        ({"a": F, "b": P}, (A, B), {B}, Catch.MISSED),
        ({"a": P, "b": F}, (A, B), {A, B}, Catch.CAUGHT),
        ({"a": P, "b": F}, (A,), {A, B}, Catch.MISSED),  # red, but not the check that was to notice
        ({"a": U, "b": P}, (A,), {A, B}, Catch.ERROR),
        ({"a": U, "b": P}, (A, B), {A, B}, Catch.MISSED),
    ],
)
def test_what_counts_as_a_catch(found, expects, green, catch):
    proof = Proof.of(defect(*expects), outcomes(**found), green)
    assert proof.catch is catch
    assert proof.outcomes == {f"recovery.{name}": outcome.value for name, outcome in found.items()}


@pytest.mark.parametrize(
    ("found", "catch"),
    [
        ({"a": U}, Catch.CAUGHT),
        ({"a": U, "b": U}, Catch.CAUGHT),
        ({"a": U, "b": P}, Catch.MISSED),  # one that went by what a starved generator saw
        ({"a": F}, Catch.ERROR),  # blamed on the system
        ({"a": P}, Catch.MISSED),
    ],
)
def test_what_spoils_the_gate_itself_is_caught_by_not_knowing(found, catch):
    starved = defect(A, B, generator="starved")
    assert Proof.of(starved, outcomes(**found), {A, B}).catch is catch
    reasons = Proof.of(replace(starved, says="the generator"), outcomes(**found), {A, B})
    assert reasons.catch is (Catch.ERROR if catch is Catch.CAUGHT else catch)


def proofs(*catches: Catch, healthy: str = "passed", unbroken: Iterable[str] = ()) -> Proofs:
    return Proofs({A: healthy}, tuple(Proof(defect(), catch, {}, {}, 1.0) for catch in catches), tuple(unbroken))


def test_complete_is_all_caught_on_a_green_system_with_no_check_left_over():
    assert proofs(Catch.CAUGHT, Catch.CAUGHT).complete
    assert not proofs().complete
    assert not proofs(Catch.CAUGHT, Catch.MISSED).complete
    assert not proofs(Catch.CAUGHT, Catch.ERROR).complete
    assert not proofs(Catch.CAUGHT, healthy="unverified").complete
    assert not proofs(Catch.CAUGHT, unbroken=[B]).complete
    assert proofs(Catch.CAUGHT, Catch.ERROR).score == "1/2"
    assert proofs(healthy="failed").false_alarms == (A,)


def test_which_defects_apply_and_which_checks_none_turns_red():
    shared = Sabotage(id="s", title="a defect", expects=(A, B))
    checks = tuple(replace(bench.expected(check), broken_by=(shared,)) for check in (A, B))
    mine, foreign = defect(A), replace(defect("load.x"), id="y")
    assert applicable((mine, foreign), checks) == ((mine,), (B,))
    assert [sabotage.id for sabotage in of_checks(checks)] == ["s"], "one defect of several checks is put in once"


def test_two_defects_of_one_name_are_refused_because_one_would_never_be_put_in():
    check = bench.expected(A)
    other = replace(check, id=B, broken_by=(replace(check.broken_by[0], title="Another"),))
    with pytest.raises(CheckError, match=f"check '{B}': its defect s has the name of another one"):
        of_checks((check, other))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({**EDIT, "find": "restart: sometimes"}, "is there 0 times, must be once"),
        ({**EDIT, "find": "a"}, "times, must be once"),
        ({**EDIT, "file": "none.yaml"}, "there is no such file"),
        ({**EDIT, "file": "."}, "there is no such file"),
        ({**EDIT, "file": "../outside.yaml"}, "is no file of the system"),
        ({**EDIT, "file": "shared/outside.yaml"}, "is no file of the system"),
        ({**EDIT, "file": "/etc/hostname"}, "is no file of the system"),
    ],
)
def test_an_edit_that_cannot_be_made(tmp_path, edit, said):
    system, outside = tmp_path / "system", tmp_path / "outside.yaml"
    system.mkdir()
    for file in (system / "compose.yaml", outside):
        file.write_text("restart: always\n")
    (system / "shared").symlink_to(tmp_path)
    with pytest.raises(NotPutInError, match=said):
        proving._edit(system, edit)
    assert outside.read_text() == (system / "compose.yaml").read_text() == "restart: always\n"


def test_an_edit_changes_its_place_and_no_other_byte(tmp_path):
    (tmp_path / "compose.yaml").write_bytes(b"a\r\nrestart: always\r\n\xff\n")
    proving._edit(tmp_path, EDIT)
    assert (tmp_path / "compose.yaml").read_bytes() == b"a\r\nrestart: no\r\n\xff\n"


def test_an_edit_of_whatever_files_the_target_names(tmp_path):
    metrics = type("M", (), {"rules": ("rules/*.yml",)})
    target = type("T", (), {"metrics": metrics, "dashboards": None})
    (tmp_path / "rules").mkdir()
    for name in ("a.yml", "b.yml", "c.txt"):
        (tmp_path / "rules" / name).write_text("url: x\nurl: y\n")
    edit = {"file": "{metrics.rules}", "pattern": r"url: (\w)", "with": r"url: gone/\1"}
    proving._edit_everywhere(tmp_path, edit, target)
    texts = [(tmp_path / "rules" / name).read_text() for name in ("a.yml", "b.yml", "c.txt")]
    assert texts == ["url: gone/x\nurl: gone/y\n"] * 2 + ["url: x\nurl: y\n"]


@pytest.mark.parametrize(
    "edit", [{"pattern": "nowhere"}, {"file": "{dashboards.files}"}, {"file": "{metrics.nothing}"}]
)
def test_an_edit_that_matches_nothing_was_not_put_in(tmp_path, edit):
    (tmp_path / "a.yml").write_text("url: x\n")
    target = type("T", (), {"metrics": type("M", (), {"rules": ("*.yml",)}), "dashboards": None})
    whole = {"file": "{metrics.rules}", "pattern": "url", "with": "link", **edit}
    with pytest.raises(NotPutInError, match="matches nothing in the files that it names"):
        proving._edit_everywhere(tmp_path, whole, target)


@pytest.fixture
def request_(tmp_path: Path) -> ProofRequest:
    system = tmp_path / "system"
    system.mkdir()
    (system / "compose.yaml").write_text("services: {}\n# restart: always\n")
    (system / ".venv").mkdir()
    target = load(written(system, READINESS), "quick")
    suites = bench.suites(tmp_path, {"recovery/test_it.py": SUITE})
    sabotages = (
        Sabotage("caught", "no restart", (A,), replace=(EDIT,)),
        Sabotage("not-put-in", "nothing changes", (A,), replace=({**EDIT, "find": "restart: sometimes"},)),
    )
    return ProofRequest(target, "quick", (bench.expected(A),), sabotages, tmp_path / "proofs", suites)


@pytest.mark.slow
def test_a_proving_from_end_to_end(request_):
    forgotten: list[str] = []
    tools = replace(bench.tools(), forget=forgotten.append)
    found = prove(request_, tools, Progress(Console(file=io.StringIO()), quiet=True))
    assert found.healthy == {A: "passed"}
    assert [(proof.sabotage.id, proof.catch) for proof in found.proofs] == [
        ("caught", Catch.CAUGHT),
        ("not-put-in", Catch.ERROR),
    ]
    assert found.proofs[0].reasons[A].startswith("no restart")
    assert "is there 0 times, must be once" in found.proofs[1].reasons[A]
    assert not found.complete
    assert json.loads((request_.folder / "proofs.json").read_text())["score"] == "1/2"
    assert "restart: always" in (request_.target.folder / "compose.yaml").read_text(), "only a copy is hurt"
    assert list((request_.folder / "systems").iterdir()) == []
    assert len(forgotten) == 2


@pytest.mark.slow
def test_a_sabotaged_copy_that_cannot_be_prepared_is_an_error_of_its_proof(request_):
    def prepare(_target: object, prefix: str | None) -> None:
        if prefix:
            raise CouldNotRunError("the image does not build")

    only = replace(request_, sabotages=request_.sabotages[:1])
    found = prove(only, replace(bench.tools(), prepare=prepare), Progress(Console(file=io.StringIO()), quiet=True))
    assert [(proof.catch, proof.reasons) for proof in found.proofs] == [(Catch.ERROR, {A: "the image does not build"})]


def test_a_failure_that_does_not_name_the_defect_is_no_catch():
    for reason, catch in (("an effect happened twice", Catch.CAUGHT), ("psql: no such option", Catch.ERROR)):
        run = outcomes(a=Outcome.FAILED)
        run = replace(run, checks=tuple(replace(check, reason=reason) for check in run.checks))
        assert Proof.of(defect("recovery.a", says="twice"), run, {"recovery.a"}).catch is catch


def test_what_was_not_caught_says_why_below_it_and_nothing_secret_or_active(capsys):
    why = "api: password=hunter2hunter2 refused \x1b[2J [bold]\nassert 1 == 2"
    proofs = (
        Proof(defect(A), Catch.CAUGHT, {A: "failed"}, {A: "no restart"}, 1.0),
        Proof(defect(A, B), Catch.ERROR, {A: "unverified", B: "unverified"}, {A: why, B: why}, 1.0),
        Proof(defect(A), Catch.MISSED, {A: "passed"}, {A: "all is well"}, 1.0),
    )
    commands._say_proofs(Proofs({A: "passed", B: "passed"}, proofs, ()), Path("folder"))
    said = capsys.readouterr().out
    assert said.count("api: password=*** refused \u241b[2J [bold]") == 1
    assert said.index("error") < said.index("api:") < said.index("missed")
    assert not [word for word in ("hunter2", "\x1b", "assert", "no restart", "all is well") if word in said]


RELEASE, OPERATION = "rollback.r", "recovery.a"
# Says what defect its lane has, and notices its own only; `beside` is not noticed where two lanes run.
LANES_SUITE = (
    bench.HEAD
    + """
from pathlib import Path
@a("ID")
def test_it(evidence, lane):
    evidence.observed(1, "lane")
    put_in = lane.sabotage.id if lane.sabotage else "healthy"
    alone = len(list(Path(lane.run_folder, "lanes").glob("*.json"))) == 1
    assert put_in == "healthy" or (put_in == "beside" and not alone), f"this is {put_in}"
"""
)


def command(name: str, *expects: str, **more: object) -> Sabotage:
    """A defect that needs no copy of the system."""
    return Sabotage(name, name, expects, command=({"name": "deploy", "argv": ["true"]},), **more)  # type: ignore[arg-type]


def test_who_goes_side_by_side():
    def defects(*sabotages: Sabotage) -> list[Defect]:
        return [Defect(s, tuple(bench.expected(check) for check in s.expects)) for s in sabotages]

    one, two, three = command("one", RELEASE), command("two", OPERATION), command("three", OPERATION)
    both, slow = command("both", RELEASE, OPERATION), command("slow", RELEASE, profile="release")
    edited = Sabotage("edited", "edited", (RELEASE,), replace=(EDIT,))
    for given, found in (
        ((one, two), [["one", "two"]]),
        ((two, three, one), [["two", "one"], ["three"]]),
        ((one, both, two), [["one", "two"], ["both"]]),
        ((two, slow), [["two"], ["slow"]]),
        ((two, edited), [["two"], ["edited"]]),
        ((edited, two, one), [["edited"], ["two", "one"]]),
        ((), []),
    ):
        assert [[d.sabotage.id for d in together] for together in side_by_side(defects(*given))] == found


def test_two_defects_never_get_into_one_stack():
    with pytest.raises(ValueError, match="one, two"):
        _sabotage_of((RELEASE,), (command("one", RELEASE), command("two", RELEASE, OPERATION)))


@pytest.mark.slow
def test_defects_side_by_side_each_have_a_lane_and_what_is_not_caught_so_is_proven_alone(request_, tmp_path):
    files = {f"{check.split('.')[0]}/test_it.py": LANES_SUITE.replace("ID", check) for check in (RELEASE, OPERATION)}
    asked = replace(
        request_,
        checks=(bench.expected(RELEASE), bench.expected(OPERATION)),
        suites=bench.suites(tmp_path / "lanes", files),
        sabotages=(command("first", RELEASE), command("beside", OPERATION)),
    )
    said = io.StringIO()
    found = prove(asked, bench.tools(), Progress(Console(file=said, width=200), quiet=False))
    reasons = {p.sabotage.id: {check: r.partition("\n")[0] for check, r in p.reasons.items()} for p in found.proofs}
    assert [p.catch.value for p in found.proofs] == ["caught", "caught"]
    assert reasons == {"first": {RELEASE: "this is first"}, "beside": {OPERATION: "this is beside"}}
    assert "defects first and beside, side by side" in said.getvalue()
    assert "missed beside another, so once more alone: beside" in said.getvalue()
    assert len(list((asked.folder / "runs").glob("2*"))) == 3, "healthy, both, and one alone"
    assert json.loads((asked.folder / "proofs.json").read_text())["score"] == "2/2"
