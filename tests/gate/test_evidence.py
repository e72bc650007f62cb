"""What a check observed is kept as it was: every number judged, every spike, every file, and no secret."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import pytest

from gate.evidence import Evidence
from gate.finding import Finding
from gate.model import Limit
from gate.redact import Redactor

LIMIT = Limit("area.name_s", 5, "s", "promised")


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence("recovery.x", tmp_path / "run", lambda: 1.5, Redactor(["correct-horse-battery"]))


@pytest.mark.parametrize("samples", [[], math.nan, math.inf, [1, -math.inf], [1, math.nan]])
def test_what_is_no_finite_number_cannot_be_judged(evidence, samples):
    with pytest.raises(ValueError, match="answer: needs at least one finite number"):
        evidence.measure("answer", samples, "s", LIMIT)
    assert evidence.measurements == []


@pytest.mark.parametrize("count", [-1, 1.5, math.nan, "3"])
def test_only_whole_things_are_counted(evidence, count):
    with pytest.raises((TypeError, ValueError)):
        evidence.observed(count, "things")
    assert evidence.observations == 0


def test_observations_add_up(evidence):
    evidence.observed(2, "things")
    evidence.observed(0, "things")
    evidence.observed(3, "more")
    assert evidence.observations == 5


def test_the_worst_is_judged_in_either_direction(evidence):
    slow = evidence.measure("answer", [1, 7, 2], "s", LIMIT)
    assert (slow.value, slow.median, slow.n, slow.kept) == (7, 2, 3, False)
    rate = evidence.measure("rate", [9, 4, 8], "jobs/s", Limit("area.rate", 5, "jobs/s", "promised", direction="min"))
    assert (rate.value, rate.worst, rate.kept) == (4, 4, False)
    assert evidence.measure("at the limit", 5, "s", LIMIT).kept
    assert evidence.measure("informative", 10**9, "s").kept


@pytest.mark.parametrize(
    ("n", "p95", "p99"), [(19, None, None), (20, 19, None), (100, 95, None), (999, 950, None), (1000, 950, 990)]
)
def test_percentiles_are_nearest_rank_and_need_enough_samples(evidence, n, p95, p99):
    measured = evidence.measure("answer", list(range(n, 0, -1)), "s")
    assert (measured.p95, measured.p99) == (p95, p99)


def test_a_long_series_keeps_every_spike_and_is_attached_whole(evidence, tmp_path):
    points = [(float(t), 1.0) for t in range(50_000)]
    points[12_345], points[40_001] = (12_345.0, 99.0), (40_001.0, -99.0)
    evidence.series("answers", "s", points)
    (series,) = evidence.all_series
    assert len(series.points) <= 2_000
    assert {(12_345.0, 99.0), (40_001.0, -99.0)} <= set(series.points)
    assert list(series.points) == sorted(series.points)
    (attachment,) = evidence.attachments
    assert [tuple(point) for point in json.loads((tmp_path / "run" / attachment.path).read_text())] == points


def test_a_short_series_is_kept_as_it_is_and_a_point_that_is_no_number_refused(evidence):
    evidence.series("answers", "s", [(1, 2), (3, 4)])
    assert evidence.all_series[0].points == ((1.0, 2.0), (3.0, 4.0))
    with pytest.raises(ValueError, match="finite"):
        evidence.series("answers", "s", [(1, math.nan)])


@pytest.mark.parametrize(
    "name",
    [
        "../../escape",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a/../../b",
        "a\0b",
        "~",
        "-rf",
        "x" * 400,
        "ж" * 200,
        "evidence.ndjson",
    ],
)
def test_a_hostile_name_stays_in_the_checks_folder(evidence, tmp_path, name):
    evidence.observed(1, "thing")
    attachment = evidence.attach(name, "content")
    path = tmp_path / "run" / attachment.path
    assert path.resolve().parent == (tmp_path / "run/evidence/recovery.x").resolve()
    assert path.read_text() == "content"
    assert not path.name.startswith((".", "-"))
    assert json.loads((path.parent / "evidence.ndjson").read_text().splitlines()[0])["kind"] == "observed"


def test_what_was_kept_is_never_written_over(evidence, tmp_path):
    kept = [evidence.attach(name, name) for name in ("a log", "a-log", "a/log", "a log", "evidence.ndjson")]
    again = Evidence("recovery.x", tmp_path / "run", lambda: 2.0, Redactor())
    kept.append(again.attach("a log", "of the second parameter"))
    assert len({each.path for each in kept}) == len(kept)
    for each in kept:
        data = (tmp_path / "run" / each.path).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (each.sha256, each.bytes)


def test_a_large_value_is_attached_whole(evidence, tmp_path):
    evidence.value("rows", ["x" * 100] * 1_000)
    assert evidence.values["rows"] == f"104000 characters, in {evidence.attachments[0].path}"
    assert len(json.loads((tmp_path / "run" / evidence.attachments[0].path).read_text())) == 1_000


def test_bytes_that_are_no_text_stay_as_they_are(evidence, tmp_path):
    picture = b"\x89PNG\xff\xfe"
    assert (tmp_path / "run" / evidence.attach("picture.png", picture).path).read_bytes() == picture


def test_every_record_is_written_at_once_with_its_time(evidence, tmp_path):
    assert evidence.event("fault", "killed") == 1.5
    lines = (tmp_path / "run/evidence/recovery.x/evidence.ndjson").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"t": 1.5, "kind": "event", "value": [1.5, "fault", "killed"]}]


def test_a_finding_is_kept_with_its_place_and_without_secrets(evidence, tmp_path):
    kept = evidence.finding(Finding("secrets/literal", "error", "holds correct-horse-battery", "app/settings.py", 7))
    assert kept == Finding("secrets/literal", "error", "holds ***", "app/settings.py", 7)
    assert str(kept) == "app/settings.py:7: holds *** (secrets/literal)"
    assert evidence.findings == [kept]
    assert "correct-horse" not in (tmp_path / "run/evidence/recovery.x/evidence.ndjson").read_text()


def test_beyond_a_thousand_findings_the_rest_is_in_the_file_only(evidence, tmp_path):
    for line in range(1, 1_101):
        evidence.finding(Finding("r", "note", "m", "f", line))
    assert len(evidence.findings) == 1_000
    assert len((tmp_path / "run/evidence/recovery.x/evidence.ndjson").read_text().splitlines()) == 1_100


def test_the_samples_are_kept_in_order_and_thinned_with_both_ends(evidence):
    assert evidence.measure("few", [3, 1, 2], "s").samples == (1, 2, 3)
    many = evidence.measure("many", range(1000), "s").samples
    assert (len(many), many[0], many[-1]) == (50, 0, 999)
    assert sorted(set(many)) == list(many)


def test_a_measurement_knows_the_name_of_its_limit(evidence):
    limit = Limit("load.time_s", 3, "s", "why")
    assert evidence.measure("m", 1, "s", limit).limit_name == "load.time_s"


@pytest.mark.parametrize(("name", "data"), [("x", b"\xff\xfe\x00"), ("x.json", '{"a": 1}'), ("x", "a\0b")])
def test_what_is_no_text_for_people_has_no_excerpt(evidence, name, data):
    assert evidence.attach(name, data).excerpt == ""


def test_an_excerpt_is_the_end_of_a_text_without_secrets_and_short(evidence):
    log = "".join(f"line {number}\n" for number in range(100)) + "password=hunter2hunter2\n" + "A" * 100_000
    excerpt = evidence.attach("log", log).excerpt
    assert "hunter2" not in excerpt
    assert excerpt.startswith("line 77\n")
    assert len(excerpt) < 1000
