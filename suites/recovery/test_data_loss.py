from fixtures.recovery.rehearsal import Rehearsal
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

LEAST = 20


@check(
    "recovery.data-loss",
    title="A host that is lost under load takes no acknowledged job with it that is older than the limit",
    why="What is archived late, or not at all, is only missed when the host is gone; the tools that restore say nothing of it.",
    fix="Archive the WAL continuously (archive_timeout) to where the host's loss does not reach, and alert on its age.",
    needs=("restore", "commands.restore", "database.sql", "database.effects_sql", "job", "faults"),
    minimum=LEAST,
    broken_by=(
        Sabotage(
            id="archived-when-full",
            title="WAL that is archived only when a segment is full (archive_timeout = 0)",
            exec=(
                {
                    "role": "database",
                    "command": [
                        *("psql", "-U", "{database:user}", "-d", "{database:name}"),
                        *("-c", "ALTER SYSTEM SET archive_timeout = 0", "-c", "SELECT pg_reload_conf()"),
                    ],
                },
            ),
            says="were lost",
        ),
    ),
)
def test_data_loss(rehearsal: Rehearsal, limits: dict[str, Limit], evidence: Evidence) -> None:
    loss, limit = rehearsal.loss, limits["recovery.rpo_s"]
    rebuilt = rehearsal.demand_rebuilt()
    assert loss is not None
    assert rebuilt.account is not None
    account = rebuilt.account
    evidence.observed(len(loss.acknowledged), "jobs acknowledged before the loss and looked for afterwards")
    evidence.value("job ledger after the restore", account.json())
    evidence.value("the host was lost at", loss.at)
    evidence.value("last row of before the loss", loss.rows[-1].at)
    evidence.value("last row restored", rebuilt.rows[-1].at if rebuilt.rows else None)
    if loss.at - loss.rows[0].at < limit.value:
        raise Unverified("rows were written for less than the limit before the loss, so an older gap would not be seen")
    assert rebuilt.rows, "not one row of the canary was restored: all acknowledged jobs of its time were lost"
    evidence.measure("work lost with the host, by the canary's rows", loss.at - rebuilt.rows[-1].at, "s", limit)
    ages = [loss.at - entry.acknowledged_at for entry in loss.entries_of(account.lost_jobs) if entry.acknowledged_at]
    worst = max(ages, default=0.0)
    evidence.measure("age of the oldest acknowledged job that was lost", worst, "s", limit)
    assert worst <= limit.value, f"{len(ages)} acknowledged jobs were lost, the oldest of {worst:.0f} s before the loss"
    assert loss.at - rebuilt.rows[-1].at <= limit.value, (
        f"the last {loss.at - rebuilt.rows[-1].at:.0f} s before the loss were lost: limit {limit.value:g} s"
    )
    assert not account.duplicated, f"jobs were done twice after the restore: {account}; {account.duplicated_jobs}"
    assert not account.pending, f"jobs that were restored are not done: {account.pending_jobs}"
