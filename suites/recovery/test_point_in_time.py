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
        if not back.rows:
            raise AssertionError(f"point {number}, {back.point.time}, was not reached: {back.failed}")
        later = [row for row in back.rows if row.at > back.point.at]
        assert not later, (
            f"point {number}: recovery stopped later than it was told, by {later[-1].at - back.point.at:.3f} s"
        )
        short = back.point.at - back.rows[-1].at
        assert back.point.marked in back.rows, (
            f"point {number}: the row just before is missing, the last is {short:.3f} s older"
        )
        missing = rehearsal.loss.upto(back.point.at) - len(back.rows)
        assert not missing, f"point {number}: {missing} rows of before are missing"
        assert back.whole, f"point {number}: the table that was destroyed afterwards is not whole"
    evidence.measure("restore to a point in time", [back.done.seconds for back in returned], "s")
