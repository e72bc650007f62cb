from fixtures.alarms.chain import Chain
from fixtures.alarms.defects import NOBODY_IS_TOLD
from fixtures.alarms.verdict import demand_told
from gate.check import check
from gate.evidence import Evidence

FIX = (
    "Write a rule that looks at what is left and fires while there is still time to act, and route its alert so that a new "
    "one waits for nothing."
)
NEEDS = ("alerts", "alerts.receivers", "metrics", "faults")


@check(
    "monitoring.alert-disk-nearly-full",
    title="A disk that is nearly full is told to the receiver within the limit, and so is its room",
    why="A full disk stops the database, the logs that would tell of it, and the backup that would mend it, all at once.",
    fix=FIX,
    needs=("alerts.faults.disk-nearly-full", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_disk_nearly_full(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "disk-nearly-full", evidence)


@check(
    "monitoring.alert-connections-exhausted",
    title="A database that runs out of connections is told to the receiver within the limit, and so is the end of it",
    why="The next service that needs a connection fails, and it is never the one that holds them.",
    fix=FIX,
    needs=("database", "database.sql", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_connections_exhausted(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "connections-exhausted", evidence)


@check(
    "monitoring.alert-certificate-ending",
    title="A certificate that ends soon is told to the receiver within the limit, and so is its renewal",
    why="Every certificate ends on a day that was known for a year, and then nobody can connect.",
    fix=FIX,
    needs=("alerts.faults.certificate-ending", *NEEDS),
    standards=("C28", "CWE-298"),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_certificate_ending(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "certificate-ending", evidence)


@check(
    "monitoring.alert-backup-stale",
    title="A newest backup that is too old is told to the receiver within the limit, and so is a fresh one",
    why="That no backup was taken for a week is found out on the day on which one is needed.",
    fix=FIX,
    needs=("backup", "alerts.faults.backup-stale", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_backup_stale(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "backup-stale", evidence)


@check(
    "monitoring.alert-backup-failing",
    title="A backup that fails is told to the receiver within the limit, and so is one that succeeds again",
    why="A backup that fails every night writes a line into a log that nobody reads.",
    fix=FIX,
    needs=("backup", "alerts.faults.backup-failing", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_backup_failing(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "backup-failing", evidence)
