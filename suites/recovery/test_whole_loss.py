from fixtures.recovery.rehearsal import Rehearsal
from fixtures.recovery.report import report
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "recovery.whole-loss",
    title="With everything gone but the repository, the secrets in escrow and the release, the system does jobs again in time",
    why="A disaster recovery that was never rehearsed lacks one file, one right or one hour, and nobody knows which.",
    fix="Keep repository, secrets and release where one loss does not reach them all, and rehearse the runbook.",
    needs=("restore", "commands.restore", "database.sql", "job", "faults"),
    broken_by=(
        Sabotage(
            id="restore-is-a-note",
            title="A restore command that says it is done and restores nothing",
            command=({"name": "restore", "argv": ["echo", '{"result": "restored"}']},),
        ),
    ),
)
def test_whole_loss(rehearsal: Rehearsal, limits: dict[str, Limit], evidence: Evidence) -> None:
    evidence.attach("disaster-recovery-rehearsal.md", report(rehearsal))
    rebuilt = rehearsal.demand_rebuilt()
    evidence.observed(1, "host lost and its system rebuilt on another")
    evidence.value("commands", [step.json() for step in rebuilt.done.steps])
    evidence.value("moments", [f"{t:.1f} s: {what}" for t, what in rehearsal.marks])
    evidence.measure("lost until the first job was done", rebuilt.rto_s, "s", limits["recovery.rto_s"])
    evidence.measure("copying what survived", rebuilt.copy_s, "s")
    evidence.measure("the runbook's commands", rebuilt.done.seconds, "s")
    if rebuilt.mb_per_s:
        evidence.measure("restored", rebuilt.mb_per_s, "MB/s")
