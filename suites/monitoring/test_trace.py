import time

from fixtures.clients.api import Api, new_key
from fixtures.clients.logs import Logs, Record
from fixtures.log_trace import gaps, hops
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target


@check(
    "monitoring.trace",
    title="One job's id leads through the log store along every hop, from the request to the database",
    why="A customer asks about one job; without its id on every hop nobody can say where it stopped.",
    fix="Carry the request's id in a header and the job's with the job, and put both into every line about them.",
    needs=("logs.read", "logs.hops", "job"),
    broken_by=(
        Sabotage(
            id="no-worker-in-the-trace",
            title="No worker is there to say anything about the job",
            fault=({"kind": "stopped", "role": "worker"},),
            says="role worker",
        ),
    ),
)
def test_trace(stack: ComposeStack, api: Api, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    logs_table = target.logs
    assert logs_table is not None
    logs, since, key = Logs(stack), time.time(), new_key()
    header = logs_table.request_header
    job_id = api.submit(key, headers={header: key} if header else None)
    request_id = key if header else None
    missing: list[str] = []
    found: dict[str, list[Record]] = {}

    def whole() -> bool:
        found.update(hops(target, _about(logs, since, job_id, key), job_id, request_id))
        missing[:] = gaps(found, job_id, request_id, logs_table.hops)
        if api.outcome(job_id) != "succeeded":
            missing.append("the job did not succeed, so its trace has no end")
        return not missing

    within = target.job.timeout_s + limits["monitoring.log_delay_s"].value
    try:
        until(whole, within, "the job's trace is whole", every=0.3)
    except NotReached as error:
        if error.unanswered:
            raise Unverified(f"the job could not be followed: {error}") from error
    evidence.value("lines by role", {role: [line.text for line in lines] for role, lines in found.items()})
    evidence.observed(1, "job followed from its request to its end")
    assert not missing, f"the trace of the job {job_id} has a gap: " + "; ".join(missing)


def _about(logs: Logs, since: float, *words: str) -> list[Record]:
    lines = logs.records(since - 1)
    return [line for line in lines if isinstance(line, Record) and any(word in line.text for word in words)]
