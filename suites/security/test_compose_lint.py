from dataclasses import replace

from fixtures.scanners.linters import compose_model
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.source import SourceTable

_BUILT = "Built here: which image runs is told by its id, and deployment.identity compares it."


@check(
    "security.compose-lint",
    title="The compose model, as Compose merges it from all files, asks for nothing that opens the host",
    why="What an override file adds is in no file that anybody reads; the merged model is what is started.",
    fix="Change the compose file as compose-lint says, or say under [source.accepted] in readiness.toml why it does not count.",
    needs=("source.paths",),
    standards=("C02", "C03", "C13", "C39", "CIS Docker 5.4", "CIS Docker 5.26", "CIS Docker 5.32"),
    minimum=1,
    broken_by=(
        Sabotage(
            id="worker-without-seccomp",
            title="Workers whose system calls are not filtered",
            compose={"services": {"{worker}": {"security_opt": ["seccomp:unconfined"]}}},
            says="CL-0009",
        ),
    ),
)
def test_compose_lint(stack: ComposeStack, source: SourceTable, evidence: Evidence) -> None:
    services = stack.declared.get("services", {})
    found = compose_model(stack.declared, stack.folder, stack.target.stack.compose[0])
    evidence.observed(len(services), "services, each seen by compose-lint")
    built = {str(body.get("image")) for body in services.values() if body.get("build")}
    ours = {name for name, body in services.items() if str(body.get("image")) in built or body.get("build")}
    # A digest belongs to an image that a registry has; ours are built on the spot.
    known = [
        replace(f, suppressed=_BUILT) if f.rule == "compose-lint/CL-0019" and f.message.partition(":")[0] in ours else f
        for f in found
    ]
    findings = [evidence.finding(finding) for finding in source.judged(known)]
    counting = [str(finding) for finding in findings if finding.level == "error" and not finding.suppressed]
    assert not counting, "in the compose model: " + "; ".join(counting)
    unused = source.unused("compose-lint", tuple(f for f in known if not f.suppressed))
    assert not unused, f"accepted in readiness.toml and not found any more: {', '.join(unused)}"
