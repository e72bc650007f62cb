from fixtures.alarms.chain import Chain
from fixtures.alarms.defects import NOBODY_IS_TOLD
from fixtures.alarms.verdict import demand_told
from gate.check import check
from gate.evidence import Evidence

FIX = (
    "Write a rule that sees this fault within a look or two, and route its alert so that a new one waits for nothing: "
    "`group_wait` and `group_interval` count, and Alertmanager's clustering delays the first one."
)
NEEDS = ("alerts", "alerts.receivers", "metrics", "faults")


@check(
    "monitoring.alert-api-down",
    title="A dead API is told to the receiver within the limit, and so is its return",
    why="Users notice a dead API at once; whoever can mend it must not be the last to know.",
    fix=FIX,
    needs=("api", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_api_down(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "api-down", evidence)


@check(
    "monitoring.alert-worker-down",
    title="Dead workers are told to the receiver within the limit, and so is their return",
    why="Without workers every job is accepted and none is done: nobody sees an error, and the queue grows all night.",
    fix=FIX,
    needs=("worker", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_worker_down(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "worker-down", evidence)


@check(
    "monitoring.alert-workers-hung",
    title="Workers that all hang are told to the receiver within the limit, and so is their return",
    why="A hung process is there for the engine and for its restart policy, and does nothing: only a look from outside tells.",
    fix=FIX,
    needs=("worker", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_workers_hung(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "workers-hung", evidence)


@check(
    "monitoring.alert-database-down",
    title="A dead database is told to the receiver within the limit, and so is its return",
    why="Everything stands still without the database, and a page for each thing that stands still hides the cause.",
    fix=FIX,
    needs=("database", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_database_down(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "database-down", evidence)


@check(
    "monitoring.alert-gateway-down",
    title="A dead gateway is told to the receiver within the limit, and so is its return",
    why="Everything behind a dead gateway is well, so that nothing there tells that no user gets in.",
    fix=FIX,
    needs=("gateway", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_gateway_down(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "gateway-down", evidence)


@check(
    "monitoring.alert-exporter-down",
    title="A dead exporter is told to the receiver within the limit, and so is its return",
    why="What a dead exporter watched is unseen, and rules on series that are gone stay silent for ever.",
    fix=FIX,
    needs=("exporters", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_exporter_down(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "exporter-down", evidence)


@check(
    "monitoring.alert-log-pipeline-down",
    title="A dead log store is told to the receiver within the limit, and so is its return",
    why="Lines that nobody stored are missed when the next incident is looked into, weeks later.",
    fix=FIX,
    needs=("logs", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_log_pipeline_down(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "log-pipeline-down", evidence)


@check(
    "monitoring.alert-restart-loop",
    title="A process that is started anew again and again is told to the receiver within the limit, and so is its rest",
    why="A restart policy makes a crash loop look like a system that is up most of the time.",
    fix=FIX,
    needs=("worker", *NEEDS),
    broken_by=(NOBODY_IS_TOLD,),
)
def test_restart_loop(alarms: Chain, evidence: Evidence) -> None:
    demand_told(alarms, "restart-loop", evidence)
