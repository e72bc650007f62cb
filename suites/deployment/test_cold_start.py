from fixtures.launch import Launch
from gate.check import check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage


@check(
    "deployment.cold-start",
    title="From nothing to every role ready and a job done, within the limits",
    why="A site that is lost, or a new one, has to be in service within the time that was promised for it.",
    fix="Read which phase was slow or which service never got ready in the evidence, and its last log lines.",
    needs=("api", "worker", "database", "job"),
    minimum=4,
    broken_by=(
        Sabotage(
            id="service-never-ready",
            title="A worker whose health check never succeeds",
            compose={
                "services": {"{worker}": {"healthcheck": {"test": ["CMD", "false"], "interval": "1s", "retries": 2}}}
            },
        ),
    ),
)
def test_cold_start(launch: Launch, limits: dict[str, Limit], evidence: Evidence) -> None:
    evidence.value("seconds by phase", launch.phases)
    evidence.observed(len(launch.phases), "phases of the start")
    stack = launch.started()
    evidence.value("services", sorted(c.service for c in stack.containers()))
    first_job = launch.first_job()
    evidence.observed(1, "job done by the new system")
    evidence.measure("start, images at hand", launch.start_s, "s", limits["deployment.start_s"])
    evidence.measure("first job", first_job, "s")
    evidence.measure("from nothing to a job done", launch.seconds + first_job, "s", limits["deployment.cold_start_s"])
