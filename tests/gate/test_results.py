"""results.json: what is written is valid, reads back the same, and a damaged file is refused in one sentence."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gate import model, results
from gate.finding import Finding
from gate.model import Run, Verdict
from gate.status import ExitStatus
from gate.verdict import decide
from tests.reports.factory import TODAY, go, incomplete, judge, many, no_go

DEFINED = {
    model.Measurement: "measurement",
    model.Moment: "moment",
    model.Series: "series",
    model.Attachment: "attachment",
    Finding: "finding",
    model.Waiver: "waiver",
    model.Lane: "lane",
    model.CheckResult: "check",
    model.Blocker: "blocker",
    model.Standard: "standard",
    model.Reference: "reference",
    model.Control: "control",
    model.Earlier: "earlier",
    model.Change: "change",
    model.Run: "run",
    model.Verdict: "verdict",
}
# Since 1.1, 1.2 and 1.4: older files have none.
LATER = {
    "check": {"findings"},
    "run": {"standards", "controls", "past", "left_out"},
    "lane": {"checks"},
    "measurement": {"limit_name", "samples"},
    "attachment": {"excerpt"},
}
DERIVED = {"check": {"area"}, "run": set(), "verdict": {"exit_status", "sentence"}}

finite = st.floats(allow_nan=False)
natural = st.integers(0, 2**53)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "values": st.dictionaries(st.text(), plain, max_size=3),
    "target": st.dictionaries(st.text(), plain, max_size=3),
    "host": st.dictionaries(st.text(), plain, max_size=3),
    "counts": st.dictionaries(st.text(), natural, max_size=3),
    "observations": natural,
    "bytes": natural,
    "line": natural,
    "n": natural,
    "total": st.none() | natural,
}
HINTS: dict[Any, st.SearchStrategy[Any]] = {
    float: finite,
    float | None: st.none() | finite,
    dict[str, float]: st.dictionaries(st.text(), finite, max_size=2),
    tuple[float, ...]: st.lists(finite, max_size=2).map(tuple),
    int | None: st.none() | natural,
    tuple[tuple[float, float], ...]: st.lists(st.tuples(finite, finite), max_size=2).map(tuple),
    tuple[tuple[str, float], ...]: st.lists(st.tuples(st.text(), finite), max_size=2).map(tuple),
    tuple[str, ...]: st.lists(st.text(), max_size=2).map(tuple),
}


def strategy(noun: type) -> st.SearchStrategy[Any]:
    """Build any value of one of the model's dataclasses, with small tuples of the nouns inside it."""
    given_fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, hint in get_type_hints(noun).items():
        inner = next((item for item in DEFINED if hint in (tuple[item, ...], item | None)), None)
        if name in FIELDS:
            given_fields[name] = FIELDS[name]
        elif inner is not None:
            items = strategy(inner)
            given_fields[name] = (
                st.lists(items, max_size=2).map(tuple) if hint == tuple[inner, ...] else st.none() | items
            )
        else:
            given_fields[name] = HINTS.get(hint, st.from_type(hint))
    return st.builds(noun, **given_fields)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(run=strategy(Run), verdict=strategy(Verdict))
def test_round_trip_of_anything(run: Run, verdict: Verdict, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("r") / "results.json"
    results.write(run, verdict, path)
    assert results.read(path) == (run, verdict)


@pytest.mark.parametrize("run", [go(), no_go(), incomplete(), many(50)], ids=["go", "no-go", "incomplete", "many"])
def test_round_trip_and_agreement(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.write(*judge(run), path)
    again, verdict = results.read(path)
    assert (again, verdict) == judge(run)
    assert decide(again, TODAY) == verdict
    written = json.loads(path.read_text())["verdict"]
    assert (written["decision"], written["exit_status"]) == (verdict.decision, ExitStatus.of(verdict.decision))
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


def test_a_number_that_json_cannot_say_survives(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    worst = model.Measurement("m", math.nan, "s", math.inf)
    run = dataclasses.replace(go(), checks=(dataclasses.replace(go().checks[0], measurements=(worst,)),))
    results.write(*judge(run), path)
    (measurement,) = results.read(path)[0].checks[0].measurements
    assert math.isnan(measurement.value)
    assert measurement.limit == math.inf
    assert "NaN" not in path.read_text().replace('"NaN"', "")


def test_the_schema_is_a_schema_and_names_every_field() -> None:
    schema = json.loads(results.SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    for noun, name in DEFINED.items():
        fields = {field.name for field in dataclasses.fields(noun)} - (
            {"checks", "regressions"} if noun is Run else set()
        )
        fields |= DERIVED.get(name, set())
        assert set(schema["$defs"][name]["properties"]) == fields
        assert set(schema["$defs"][name]["required"]) == fields - LATER.get(name, set())


def damaged(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(results.ResultsError) as caught:
        results.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.write(*judge(incomplete()), path)
    whole = path.read_text().rstrip()
    for end in range(1, len(whole), 97):
        sentence = damaged(path, whole[:end])
        assert "cut off" in sentence or "not JSON" in sentence
        assert "readygate run" in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("<html>", "not JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("[]", "not a results file"),
        ("{}", "not a results file"),
        ('{"schema": 1}', "not a results file"),
        ('{"schema": "2.0"}', "this gate reads 1.x"),
        ('{"schema": "1.0"}', "not valid at $"),
        ('{"schema": NaN}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"schema": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_what_is_not_a_results_file_is_refused(text: str | bytes, words: str, tmp_path: Path) -> None:
    assert words in damaged(tmp_path / "results.json", text)


def test_a_wrong_type_is_named_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    data = results.document(*judge(go()))
    data["checks"][3]["outcome"] = "fine"
    assert "$.checks[3].outcome" in damaged(path, json.dumps(data))


def test_a_newer_minor_version_with_unknown_keys_is_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    data = results.document(*judge(go())) | {"schema": "1.7", "regressions": []}
    data["checks"][0]["colour"] = "blue"
    path.write_text(json.dumps(data))
    assert results.read(path) == judge(go())


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(results.ResultsError, match="cannot be read"):
        results.read(tmp_path / "absent.json")
    with pytest.raises(results.ResultsError, match="cannot be read"):
        results.read(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    results.write(*judge(go()), path)
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gate.files.os.fsync", full)
    with pytest.raises(results.NotWritten, match="No space left"):
        results.write(*judge(no_go()), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]
