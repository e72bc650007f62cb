from fixtures.recovery.rehearsal import Rehearsal
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage

# Text of the command and the time in it: the same command for five seconds later.
LATER = 'later=$(date -u -d "$2 5 seconds" "+%F %T.%6N+00"); eval "${1//"$2"/"$later"}"'


@check(
    "recovery.point-in-time",
    title="A restore to just before a destructive statement has the row written last before it, and nothing later",
    why="Recovery that stops elsewhere brings the mistake back with the data, or loses work that was none.",
    fix="Recover with a target time and the action promote, from a backup older than it, and see by marks where it ended.",
    needs=("restore", "commands.restore", "commands.restore_to", "database.sql", "job", "faults"),
    broken_by=(
        Sabotage(
            id="recovery-stops-later",
            title="A restore that stops five seconds later than it was told",
            command=(
                {"name": "restore_to", "argv": ["bash", "-ec", LATER, "restore", "{command:restore_to}", "{time}"]},
            ),
            says="later than it was told",
        ),
    ),
)
def test_point_in_time(rehearsal: Rehearsal, evidence: Evidence) -> None:
    assert rehearsal.loss is not None
    returned = rehearsal.demand_returned()
    evidence.observed(len(returned), "restores to a moment between two rows of the database's own clock")
    for number, back in enumerate(returned, 1):
        evidence.value(f"point {number}", {**back.json(), "as it was": rehearsal.loss.upto(back.point.at)})
    for number, back in enumerate(returned, 1):
        missed = back.inexact(rehearsal.loss)
        assert not missed, f"point {number}: {missed}"
    evidence.measure("restore to a point in time", [back.done.seconds for back in returned], "s")
