from fixtures.clients.api import Api
from fixtures.job_account import account_of
from fixtures.ledger import Ledger
from fixtures.recovery_defects import EFFECTS_NOT_KEPT
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit

JOBS = 10


# The last file of this area, which comes after those that submit most: what they were promised is in this account.
@check(
    "recovery.job-account",
    title="Of all jobs that any check of this stack was promised none was lost or done twice, and none came unasked",
    why="Each fault by itself may be survived, and still a job is missing at the end of the day.",
    fix="Follow the jobs that are named through the log by their id: who had them last, and what hurt the system then.",
    needs=("api", "worker", "database", "job", "database.effects_sql"),
    minimum=JOBS,
    broken_by=(EFFECTS_NOT_KEPT,),
)
def test_zero_loss(stack: ComposeStack, api: Api, ledger: Ledger, limits: dict[str, Limit], evidence: Evidence) -> None:
    ledger.submit_at_once(JOBS)
    account = account_of(stack, limits["recovery.worker_takeover_s"].value + api.job_timeout_s)
    evidence.observed(account.acknowledged, "jobs that checks were promised")
    evidence.value("job ledger of the whole stack", account.json())
    account.demand_no_harm()
