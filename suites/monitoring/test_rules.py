from fixtures.clients.prometheus import Prometheus
from fixtures.metrics import live, promtool, rule_files
from fixtures.stack import ComposeStack
from fixtures.wait import Unreachable
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


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
    table, metrics = target.metrics, Prometheus(stack)
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
    checks = {
        "check rules": promtool.check_rules(stack, rule_files.matching(stack.folder, table.rules)),
        "check config": promtool.check_config(stack, config),
    }
    tests = promtool.unit_tests(stack, rule_files.matching(stack.folder, table.rule_tests))
    for name, done in {**checks, **tests}.items():
        evidence.attach(f"promtool-{name}.txt", f"{done.line}\n{done.stdout}\n{done.stderr}")
        if done.status != 0:
            wrong.append(f"promtool: {name} failed: {done.tail}")
    evidence.observed(len(declared), "rules")
    evidence.observed(len(expected), "expectations of unit tests")
    evidence.value("rules by file", {rule.name: rule.file for rule in declared})
    assert not wrong, "\n".join(wrong)
    # Its silence is no pass: a run that says for no file that it went well has run nothing.
    silent = [name for name, done in tests.items() if "SUCCESS" not in done.stdout]
    if silent:
        raise Unverified(f"promtool ended with 0 and reports no success for {', '.join(silent)}")


def _not_loaded(
    metrics: Prometheus, declared: tuple[rule_files.DeclaredRule, ...], loaded: tuple[live.Rule, ...]
) -> list[str]:
    """Where files and the running Prometheus disagree: a test of what does not run proves nothing of what runs."""
    running = {(rule.name, live.canonical(metrics, rule.expression)) for rule in loaded}
    wrong = []
    for rule in declared:
        try:
            if (rule.name, live.canonical(metrics, rule.expression)) not in running:
                wrong.append(
                    f"{rule.name} ({rule.file}) is not what runs: Prometheus has not loaded it as it stands there"
                )
        except AssertionError as error:
            wrong.append(f"{rule.name} ({rule.file}) cannot be parsed: {error}")
    names = {rule.name for rule in declared}
    wrong += [f"{rule.name} runs, and stands in none of the files" for rule in loaded if rule.name not in names]
    return wrong
