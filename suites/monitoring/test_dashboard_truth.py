from fixtures.clients.api import Api
from fixtures.clients.prometheus import Prometheus
from fixtures.metrics import dashboard, truth
from fixtures.metrics.truth import Claim, Seen
from fixtures.metrics.users import users
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState
from fixtures.wait import Unreachable, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "monitoring.dashboard-truth",
    title="A fault visibly changes every panel that claims to show it, within the limit",
    why="A panel that stays green while the system burns is worse than none: whoever looks at it stops searching.",
    fix="Let the panel ask for what the fault changes, or take the claim out of [dashboards.shows].",
    needs=("metrics", "metrics.service", "dashboards.files", "dashboards.shows", "faults"),
    broken_by=(
        Sabotage(
            id="panels-that-never-move",
            title="Panels that show a constant whatever happens",
            says="did not",
            replace=({"file": "{dashboards.files}", "pattern": '"expr": *"', "with": '"expr": "vector(1) # '},),
        ),
    ),
)
def test_dashboard_truth(
    stack: ComposeStack,
    api: Api,
    steady_state: SteadyState,
    target: Target,
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    assert target.dashboards is not None
    metrics, limit = Prometheus(stack, settled=True), limits["monitoring.panel_s"]
    claims, wrong = truth.claims(target.dashboards.shows, dashboard.dashboards(stack.folder, target.dashboards.files))
    seen: list[Seen] = []

    def shown(of_fault: list[Claim]) -> list[Seen]:
        evidence.event("fault", f"{of_fault[0].kind}: every {of_fault[0].role}")
        found = truth.shown(stack, metrics, of_fault, rest, limit.value)
        evidence.event("healed", of_fault[0].role)
        until(api.ready, target.stack.start_timeout_s, "the API is ready again", every=0.2)
        return found

    try:
        with users(stack):
            rest = truth.at_rest(metrics, claims, limit.value)
            for of_fault in truth.by_fault(claims).values():
                found = shown(of_fault)
                # One that had moved by itself just before the fault may have hidden the change: once more, for these.
                again = [each.claim for each in found if each.doubtful]
                seen += [each for each in found if not each.doubtful] + (shown(again) if again else [])
    except Unreachable as error:
        raise Unverified(str(error)) from error
    evidence.observed(len(seen), "panels looked at before and during a fault")
    evidence.value("panels", {f"{s.claim.panel.key}: {s.claim.fault} {s.claim.change}": _told(s) for s in seen})
    steady_state.reached(target.job.timeout_s, "steady state after the faults")
    wrong += [each.flaw for each in seen if each.flaw and each.back]
    assert not wrong, "; ".join(wrong)
    if unclear := [each.flaw for each in seen if each.flaw]:
        raise Unverified(f"still showing the fault before, for {truth.RETURN_S:g} s and more: {'; '.join(unclear)}")
    evidence.measure("fault until the panel shows it", [s.after_s for s in seen if s.after_s is not None], "s", limit)


def _told(seen: Seen) -> dict[str, object]:
    lines = list(seen.before.items())[:5]
    return {
        "before": {line: list(span) for line, span in lines},
        "during": {line: seen.during.get(line) for line, _ in lines},
        "new": {line: value for line, value in seen.during.items() if line not in seen.before},
        "seconds": seen.after_s,
    }
