from fixtures.alarms.chain import Chain
from fixtures.alarms.defects import NOBODY_IS_TOLD
from fixtures.alarms.verdict import demand_told
from gate.check import check
from gate.evidence import Evidence

FIX = (
    "Write a rule on what users or jobs notice, over a window of seconds, and route its alert so that a new one waits for "
    "nothing; a `for:` counts in full."
)
NEEDS = ("alerts", "alerts.receivers", "metrics", "faults")


@check(
    "monitoring.alert-queue-backlog",
    title="Jobs that wait too long are told to the receiver within the limit, and so is the end of it",
    why="A queue that grows looks healthy from every side: requests are accepted, workers are up, nothing fails.",
    fix=FIX,
    needs=("worker", "job", "alerts.faults.queue-backlog", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_queue_backlog(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "queue-backlog", evidence)


@check(
    "monitoring.alert-job-failures",
    title="Jobs that fail are told to the receiver within the limit, and so is the end of it",
    why="Each failed job is one user's problem; many at once are one of the system's, and nobody adds them up.",
    fix=FIX,
    needs=("worker", "job", "alerts.faults.job-failures", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_job_failures(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "job-failures", evidence)


@check(
    "monitoring.alert-api-errors",
    title="Requests that end in server errors are told to the receiver within the limit, and so is the end of it",
    why="An API that is up and answers 500 is down for whoever asks it.",
    fix=FIX,
    needs=("api", "database", "job", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_api_errors(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "api-errors", evidence)


@check(
    "monitoring.alert-api-slow",
    title="Requests that take too long are told to the receiver within the limit, and so is the end of it",
    why="A slow API fails nothing and is given up by its users one by one.",
    fix=FIX,
    needs=("api", "database.sql", "job", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_api_slow(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "api-slow", evidence)
