from fixtures.campaign import Campaign
from fixtures.power import power
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "load.ledger",
    title="After every load each promised job has ended: none lost, none done twice, none failed, none both cancelled and done",
    why="Load tools judge requests. Whether the work was done, and once, is not in any of their answers.",
    fix="Follow one of the named jobs through the log; make its effect part of the transaction that completes it.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql"),
    minimum=60,
    broken_by=(
        Sabotage(
            id="workers-asleep-with-promised-jobs",
            title="The workers are there and do nothing",
            fault=({"kind": "paused", "role": "worker"},),
            says="no job ended",
        ),
    ),
)
def test_ledger(campaign: Campaign, evidence: Evidence) -> None:
    loads = {"crowd": campaign.crowd(), "twice the crowd": campaign.crowd(2), "on schedule": campaign.surge()}
    loads |= {f"on schedule, look {number}": seen for number, seen in enumerate(campaign.usual()[1:], 2)}
    evidence.value("power", power(sum(seen.account.acknowledged for seen in loads.values())))
    for name, seen in loads.items():
        account = seen.account
        evidence.observed(account.acknowledged, f"promised jobs ({name})")
        evidence.value(f"job ledger, {name}", account.json())
        assert account.witnessed, "the database's effects were not counted"
        assert not account.lost, f"{name}: jobs lost: {account}; {account.lost_jobs[:5]}"
        assert not account.duplicated, f"{name}: jobs done twice: {account}; {account.duplicated_jobs[:5]}"
        assert not account.ambiguous, f"{name}: ended otherwise, and done: {account}; {account.ambiguous_jobs[:5]}"
        assert not account.regressed, f"{name}: left an end again: {account}"
        assert not account.pending, f"{name}: never ended: {account}; {account.pending_jobs[:5]}"
        assert not account.failed, f"{name}: good documents whose jobs failed: {account}"
        repeated = [line for line in seen.result.errors if line.startswith("REPEAT")]
        assert not repeated, f"{name}: the same key made a second job: {repeated}"
