from fixtures.recovery.rehearsal import Rehearsal
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "recovery.runbook",
    title="The commands that stand in the recovery runbook are the ones that bring the system back",
    why="In the worst night somebody types what the runbook says; a script that was renamed since then is found out there.",
    fix="Mark the runbook's blocks of commands and keep them such that they can be carried out as they stand.",
    needs=("restore", "commands.restore", "commands.restore_to", "database.sql", "job", "faults"),
    minimum=4,
    broken_by=(
        Sabotage(
            id="runbook-of-last-year",
            title="A runbook whose commands have other options than the tools of today",
            replace=(
                {"file": "{restore.runbook}", "pattern": r"(?m)^((?:    )?\S*restore\S*)$", "with": r"\1 --latest"},
            ),
            says="the runbook",
        ),
    ),
)
def test_recovery_runbook(rehearsal: Rehearsal, evidence: Evidence) -> None:
    rebuilt = rehearsal.rebuilt
    assert rebuilt is not None
    steps = [*rebuilt.done.steps, *(step for back in rehearsal.returned for step in back.done.steps)]
    evidence.observed(len(steps), "commands of the runbook carried out as they stand there")
    evidence.value("commands", [step.json() for step in steps])
    for flaw in (rebuilt.flaw, *(back.flaw for back in rehearsal.returned)):
        assert not flaw, f"the runbook cannot be carried out: {flaw}"
    for done in (rebuilt.done, *(back.done for back in rehearsal.returned)):
        done.demand()
    assert not rebuilt.failed, f"the runbook was carried out, and yet: {rebuilt.failed}"
    assert rehearsal.returned, "the runbook's way back to a point in time was not come to"
    evidence.measure("the runbook's commands after a whole loss", rebuilt.done.seconds, "s")
