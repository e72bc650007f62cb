from fixtures.clients.prometheus import Prometheus
from fixtures.metrics import live, promtool, rule_files
from fixtures.stack import ComposeStack
from fixtures.wait import Unreachable
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.shell import Completed
from gate.target import Target

SHOWN = 1500  # characters of what promtool says


@check(
    "monitoring.rules",
    title="promtool accepts rules and configuration, and every alert has a unit test that fires and one that is silent",
    why="A rule that was never seen firing is a hope; one that was never seen silent is a false alarm in waiting.",
    fix="Write for each alert a unit test (`promtool test rules`) with a story in which it fires and one in which it does not.",
    needs=("metrics", "metrics.rules", "metrics.rule_tests"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="rule-tests-fail",
            title="Unit tests of rules that fail",
            says="failed",
            command=({"name": "test_rules", "argv": ["false"]},),
        ),
        Sabotage(
            id="rule-tests-expect-nothing",
            title="Unit tests of rules in which no alert ever fires",
            says="no unit test makes it fire",
            replace=({"file": "{metrics.rule_tests}", "pattern": "alertname: *", "with": "alertname: Not"},),
        ),
    ),
)
def test_rules(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    assert target.metrics is not None
    table, metrics = target.metrics, Prometheus(stack, settled=True)
    declared = rule_files.declared(stack.folder, table.rules)
    expected = rule_files.expectations(stack.folder, table.rule_tests)
    wrong = rule_files.untested(declared, expected)
    try:
        loaded = live.rules(metrics)
        wrong += _not_loaded(metrics, declared, loaded)
        config = str(metrics.get("status/flags")["config.file"])
    except Unreachable as error:
        raise Unverified(str(error)) from error
    wrong += [f"{rule.name} cannot be evaluated: {rule.error}" for rule in loaded if rule.error]
    files = rule_files.matching(stack.folder, table.rule_tests)
    tests = promtool.unit_tests(stack, files)
    checks = (
        promtool.check_rules(stack, rule_files.matching(stack.folder, table.rules)),
        promtool.check_config(stack, config),
    )
    for done in (*checks, *tests):
        what = " ".join(done.argv[-2:])
        evidence.attach("promtool.txt", f"{done.line}\n{done.stdout}\n{done.stderr}")
        wrong += [f"promtool failed: {what}: {_said(done)}"] if done.status != 0 else []
    evidence.observed(len(declared), "rules")
    evidence.observed(len(expected), "expectations of unit tests")
    evidence.value("rules by file", {rule.name: rule.file for rule in declared})
    assert not wrong, "\n".join(wrong)
    # Its silence is no pass: a run that says for no file that it went well has run nothing.
    successes = sum(done.stdout.count("SUCCESS") for done in tests)
    if successes < len(files):
        raise Unverified(
            f"promtool ended with 0 and reports success for {successes} of {len(files)} files of unit tests"
        )


def _said(done: Completed) -> str:
    """What went wrong, from where it begins: promtool tells of every file, also of the good ones."""
    said = f"{done.stdout}\n{done.stderr}"
    return said[max(0, said.find("FAILED")) :].strip()[:SHOWN] or f"it ended with {done.status}"


def _not_loaded(
    metrics: Prometheus, declared: tuple[rule_files.DeclaredRule, ...], loaded: tuple[live.Rule, ...]
) -> list[str]:
    """Where files and the running Prometheus disagree: a test of what does not run proves nothing of what runs."""
    wrong = []
    for rule in declared:
        running = [
            each.expression
            for each in loaded
            if (each.name, each.hold_s) == (rule.name, rule.hold_s) and rule.labels.items() <= each.labels.items()
        ]
        try:
            if not any(live.same(metrics, rule.expression, each) for each in running):
                wrong.append(
                    f"{rule.name} ({rule.file}) is not what runs: Prometheus has not loaded it as it stands there"
                )
        except AssertionError as error:
            wrong.append(f"{rule.name} ({rule.file}) cannot be parsed: {error}")
    names = {rule.name for rule in declared}
    wrong += [f"{rule.name} runs, and stands in none of the files" for rule in loaded if rule.name not in names]
    return wrong
