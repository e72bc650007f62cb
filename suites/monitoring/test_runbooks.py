from fixtures.clients.prometheus import Prometheus
from fixtures.metrics import live, runbook
from fixtures.stack import ComposeStack
from fixtures.wait import Unreachable
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "monitoring.runbooks",
    title="Every alert's runbook link leads to a section that says what to do first",
    why="Who is woken at night must not begin by searching for what the alert means.",
    fix="Annotate the rule with runbook_url, and begin the section with a command or a step.",
    needs=("metrics", "metrics.service"),
    broken_by=(
        Sabotage(
            id="runbooks-moved",
            title="Runbooks that were moved, and rules that still name the old place",
            says="there is no file",
            replace=(
                {
                    "file": "{metrics.rules}",
                    "pattern": r"runbook_url: *['\"]?(?!['\"]?https?:)",
                    "with": r"\g<0>moved-away/",
                },
            ),
        ),
    ),
)
def test_runbooks(stack: ComposeStack, evidence: Evidence) -> None:
    try:
        alerts = [rule for rule in live.rules(Prometheus(stack, settled=True)) if rule.alerting]
    except Unreachable as error:
        raise Unverified(str(error)) from error
    wrong, unreachable = [], []
    for alert in alerts:
        url = alert.annotations.get("runbook_url", "")
        try:
            flaw = runbook.flaw(url, stack.folder) if url else "it has no runbook_url"
        except Unverified as error:
            unreachable.append(f"{alert.name}: {error}")
            continue
        wrong += [f"{alert.name}: {flaw}"] if flaw else []
    evidence.observed(len(alerts) - len(unreachable), "alerts whose runbook was looked at")
    evidence.value("runbook by alert", {alert.name: alert.annotations.get("runbook_url", "") for alert in alerts})
    assert not wrong, "; ".join(wrong)
    if unreachable:
        raise Unverified("; ".join(unreachable))
