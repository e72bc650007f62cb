"""Nothing passes by default: every way in which a check can fail to look, through the real runner and real lanes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest

from gate import results
from gate.model import Decision, Outcome
from gate.runner import Ended, today
from gate.verdict import decide
from tests.gate import bench

SECRET = 'tr0ub4dor&3 "and"\\three'
CONFTEST = """
import pytest

@pytest.fixture(scope="session", autouse=True)
def known_secret(redactor):
    redactor.add([{secret!r}])

@pytest.fixture
def broken_set_up():
    raise RuntimeError("no such thing")

@pytest.fixture
def untrue_set_up():
    assert 1 == 2, "set up wrongly"

@pytest.fixture
def broken_tear_down():
    yield
    raise RuntimeError("not restored")
"""
SUITE = (
    bench.HEAD
    + """
SECRET = {secret!r}

@a("recovery.well")
def test_well(evidence):
    evidence.observed(1, "thing")

@a("recovery.untrue")
def test_untrue(evidence):
    evidence.observed(1, "thing")
    assert 1 == 2, "one is not two"

@a("recovery.skip-in-body")
def test_skip_in_body(evidence):
    evidence.observed(9, "things")
    pytest.skip("not today")

@a("recovery.xfail-in-body")
def test_xfail_in_body(evidence):
    evidence.observed(9, "things")
    pytest.xfail("known")

@a("recovery.skip-mark")
@pytest.mark.skip(reason="not today")
def test_skip_mark(evidence):
    evidence.observed(1, "thing")

@a("recovery.skipif-mark")
@pytest.mark.skipif(True, reason="not here")
def test_skipif_mark(evidence):
    evidence.observed(1, "thing")

@a("recovery.xfail-mark")
@pytest.mark.xfail(reason="known")
def test_xfail_mark(evidence):
    evidence.observed(1, "thing")
    assert 1 == 2

@a("recovery.xfail-unexpected-pass")
@pytest.mark.xfail(reason="known")
def test_xfail_unexpected_pass(evidence):
    evidence.observed(1, "thing")

@a("recovery.xfail-strict")
@pytest.mark.xfail(reason="known", strict=True)
def test_xfail_strict(evidence):
    evidence.observed(1, "thing")

@a("recovery.set-up-error")
def test_set_up_error(broken_set_up, evidence):
    evidence.observed(1, "thing")

@a("recovery.set-up-assertion")
def test_set_up_assertion(untrue_set_up, evidence):
    evidence.observed(1, "thing")

@a("recovery.tear-down-error")
def test_tear_down_error(broken_tear_down, evidence):
    evidence.observed(1, "thing")

@a("recovery.missing-fixture")
def test_missing_fixture(nobody_has_this, evidence):
    evidence.observed(1, "thing")

@a("recovery.error")
def test_error(evidence):
    evidence.observed(1, "thing")
    raise KeyError("lost")

@a("recovery.exit")
def test_exit(evidence):
    evidence.observed(1, "thing")
    raise SystemExit(0)

@a("recovery.unknown")
def test_unknown(evidence):
    evidence.observed(1, "thing")
    raise Unverified("no witness")

@a("recovery.nothing-observed")
def test_nothing_observed(evidence):
    pass

@a("recovery.half-a-thing")
def test_half_a_thing(evidence):
    evidence.observed(float("nan"), "thing")

@a("recovery.too-few", minimum=5)
def test_too_few(evidence):
    evidence.observed(4, "things")

@a("recovery.slow")
def test_slow(evidence):
    evidence.observed(1, "thing")
    evidence.measure("answer", [1.0, 7.0, 2.0], "s", Limit("recovery.slow_s", 5, "s", "promised"))

@a("recovery.endless")
def test_endless(evidence):
    evidence.observed(1, "thing")
    evidence.measure("answer", float("inf"), "s", Limit("recovery.slow_s", 5, "s", "promised"))

@a("recovery.params-one-untrue")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_params_one_untrue(evidence, n):
    evidence.observed(1, "thing")
    evidence.attach("seen.txt", f"thing {n}")
    assert n != 2

@a("recovery.params-one-skipped")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_params_one_skipped(evidence, n):
    evidence.observed(1, "thing")
    if n == 2:
        pytest.skip("not this one")

@a("recovery.params-all-well")
@pytest.mark.parametrize("n", ["[/]", "b"])
def test_params_all_well(evidence, n):
    evidence.observed(1, "thing")

@a("recovery.params-none")
@pytest.mark.parametrize("n", [])
def test_params_none(evidence, n):
    evidence.observed(1, "thing")

@a("recovery.subtest-untrue")
def test_subtest_untrue(evidence, subtests):
    evidence.observed(2, "things")
    with subtests.test("first"):
        assert 1 == 2, "the first is not so"
    with subtests.test("second"):
        assert 1 == 1

@a("recovery.subtest-skipped")
def test_subtest_skipped(evidence, subtests):
    evidence.observed(2, "things")
    with subtests.test("first"):
        pytest.skip("not this one")

@a("recovery.thread-died")
def test_thread_died(evidence):
    evidence.observed(1, "thing")
    def look():
        assert 1 == 2
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

@a("recovery.answer-returned")
def test_answer_returned(evidence):
    evidence.observed(1, "thing")
    return False

@a("recovery.never-awaited")
async def test_never_awaited(evidence):
    evidence.observed(1, "thing")
    assert 1 == 2

@a("recovery.need-unmet", needs=("gateway",))
def test_need_unmet(evidence):
    evidence.observed(1, "thing")

@a("recovery.need-absent", needs=("gateway",))
def test_need_absent(evidence):
    evidence.observed(1, "thing")

@a("recovery.absent-though-there", needs=("api",))
def test_absent_though_there(evidence):
    evidence.observed(1, "thing")

@a("recovery.absent-without-needs")
def test_absent_without_needs(evidence):
    evidence.observed(1, "thing")

@a("security.leaks")
def test_leaks(evidence):
    evidence.observed(1, "thing " + SECRET)
    evidence.value("value " + SECRET, {"deep": [SECRET], SECRET: 1})
    evidence.event("kind " + SECRET, "label " + SECRET)
    evidence.attach("name " + SECRET, "text " + SECRET)
    evidence.attach("bytes", b"bytes " + SECRET.encode())
    evidence.measure("measure " + SECRET, 1, "s")
    evidence.series("series " + SECRET, "s", [(0, 1)] * 3000)
    print("printed", SECRET)
    os.write(2, SECRET.encode())
    assert SECRET * 99 == "x" * 3000, f"said {SECRET!r}"

@a("security.leaks-in-set-up")
def test_leaks_in_set_up(request, evidence):
    raise RuntimeError(SECRET)

@a("security.leaks-in-skip")
def test_leaks_in_skip(evidence):
    pytest.skip(SECRET)
"""
)
ABSENT = """
[absent]
"recovery.need-absent" = "There is no gateway; the API is internal. The platform team."
"recovery.absent-though-there" = "We would rather not."
"recovery.absent-without-needs" = "We would rather not."
"""
FAILED, UNVERIFIED, PASSED = Outcome.FAILED, Outcome.UNVERIFIED, Outcome.PASSED
SAYS = {
    "recovery.well": (PASSED, ""),
    "recovery.untrue": (FAILED, "one is not two"),
    "recovery.skip-in-body": (UNVERIFIED, "could not find out: .*not today"),
    "recovery.xfail-in-body": (UNVERIFIED, "could not find out: known"),
    "recovery.skip-mark": (UNVERIFIED, "could not be set up: .*not today"),
    "recovery.skipif-mark": (UNVERIFIED, "could not be set up: .*not here"),
    "recovery.xfail-mark": (UNVERIFIED, "could not find out: "),
    "recovery.xfail-strict": (UNVERIFIED, r"could not find out: \[XPASS\(strict\)\]"),
    "recovery.set-up-error": (UNVERIFIED, "could not be set up: RuntimeError: no such thing"),
    "recovery.set-up-assertion": (UNVERIFIED, "could not be set up: set up wrongly"),
    "recovery.tear-down-error": (UNVERIFIED, "could not restore the system afterwards: RuntimeError: not restored"),
    "recovery.missing-fixture": (UNVERIFIED, "could not be set up: .*nobody_has_this"),
    "recovery.error": (UNVERIFIED, "could not find out: KeyError: 'lost'"),
    "recovery.exit": (UNVERIFIED, "could not find out: SystemExit: 0"),
    "recovery.unknown": (UNVERIFIED, "could not find out: no witness"),
    "recovery.nothing-observed": (UNVERIFIED, "looked at 0 of at least 1 things"),
    "recovery.half-a-thing": (UNVERIFIED, "could not find out: TypeError"),
    "recovery.too-few": (UNVERIFIED, "looked at 4 of at least 5 things"),
    "recovery.slow": (FAILED, r"answer: 7.0 s \(worst of 3\), must be at most 5 s"),
    "recovery.endless": (UNVERIFIED, "could not find out: ValueError: answer: needs at least one finite number"),
    "recovery.params-one-untrue": (FAILED, "assert 2 != 2"),
    "recovery.params-one-skipped": (UNVERIFIED, "could not find out: .*not this one"),
    "recovery.params-all-well": (PASSED, ""),
    "recovery.params-none": (UNVERIFIED, "could not be set up: .*got empty parameter set"),
    "recovery.subtest-untrue": (FAILED, "the first is not so"),
    "recovery.subtest-skipped": (UNVERIFIED, "could not find out: .*not this one"),
    "recovery.thread-died": (UNVERIFIED, "PytestUnhandledThreadExceptionWarning"),
    "recovery.answer-returned": (UNVERIFIED, "could not find out: PytestReturnNotNoneWarning"),
    "recovery.never-awaited": (FAILED, "async def functions are not natively supported"),
    "recovery.need-unmet": (UNVERIFIED, "readiness.toml does not describe gateway"),
    "recovery.need-absent": (Outcome.NOT_APPLICABLE, "There is no gateway"),
    "recovery.absent-though-there": (UNVERIFIED, "declared absent .* has all that it needs: api"),
    "recovery.absent-without-needs": (UNVERIFIED, "declared absent .* has all that it needs: nothing"),
}
EXCUSED = {
    "recovery.skip-mark": "skip",
    "recovery.skipif-mark": "skipif",
    "recovery.xfail-mark": "xfail",
    "recovery.xfail-strict": "xfail",
    "recovery.xfail-unexpected-pass": "xfail",
}
LEAKING = {"security.leaks": FAILED, "security.leaks-in-set-up": UNVERIFIED, "security.leaks-in-skip": UNVERIFIED}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    files = {
        "conftest.py": CONFTEST.replace("{secret!r}", repr(SECRET)),
        "recovery/test_everything.py": SUITE.replace("{secret!r}", repr(SECRET)),
    }
    wanted = [*SAYS, *EXCUSED.keys() - SAYS, *LEAKING]
    return bench.judged(tmp_path_factory.mktemp("honest"), files, wanted, more=ABSENT, plugins=bench.WHOLE)


@pytest.mark.parametrize(("check", "outcome", "sentence"), [(k, *v) for k, v in SAYS.items()])
def test_outcome_and_its_sentence(ended, check, outcome, sentence):
    result = bench.by_id(ended)[check]
    assert (result.outcome, bool(re.search(sentence, result.reason, re.DOTALL))) == (outcome, True), result.reason


@pytest.mark.parametrize("check", [check for check, (outcome, _) in SAYS.items() if outcome in {FAILED, UNVERIFIED}])
def test_each_alone_is_enough_against_go(ended, check):
    alone = next(result for result in ended.run.checks if result.id == check)
    well = bench.by_id(ended)["recovery.well"]
    run = replace(ended.run, checks=(well, alone), expected=(well.id, check), lanes=())
    assert decide(run, today()).decision is not Decision.GO
    assert decide(replace(run, checks=(well,), expected=(well.id,)), today()).decision is Decision.GO


@pytest.mark.parametrize(("check", "excuse"), EXCUSED.items())
def test_a_check_that_excuses_itself_is_a_problem_of_its_lane(ended, check, excuse):
    (lane,) = ended.run.lanes
    assert [p for p in lane.problems if p.startswith(f"{check} is marked {excuse}:")], lane.problems
    assert any(blocker.kind == "lane" and check in blocker.summary for blocker in ended.verdict.blockers)


def test_the_run_as_a_whole(ended):
    assert ended.verdict.decision is Decision.NO_GO
    assert ended.run.sealed
    assert ended.run.lanes[0].sealed
    assert results.read(ended.folder / "results.json") == (ended.run, ended.verdict)
    assert {path.name for path in ended.folder.iterdir()} >= {"report.html", "junit.xml", "summary.md"}


def test_every_attachment_is_the_file_that_was_hashed(ended):
    attached = [each for result in ended.run.checks for each in result.attachments]
    assert len({each.path for each in attached}) == len(attached) > 10
    for each in attached:
        assert hashlib.sha256((ended.folder / each.path).read_bytes()).hexdigest() == each.sha256


def test_secrets_are_in_no_file_of_the_run(ended):
    """Neither as they are nor as Python, JSON or HTML write them: the first word would be left in each."""
    assert {check: bench.by_id(ended)[check].outcome for check in LEAKING} == LEAKING
    assert "said" in bench.by_id(ended)["security.leaks"].reason
    files = list(bench.every_file(ended.folder))
    kinds = {path.suffix for path in files}
    assert {".json", ".ndjson", ".html", ".xml", ".log", ".txt", ".md"} <= kinds
    leaking = [path for path in files if b"tr0ub4dor" in path.read_bytes() or b"tr0ub4dor" in path.name.encode()]
    assert leaking == []
    assert "printed ***" in bench.log(ended), "pytest's own log shows captured output, so the test above can fail"
