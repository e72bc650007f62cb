"""What one container may take from the others: the kernel's own numbers against those that the compose model declares."""

from pathlib import Path

from fixtures.hardening import groups, resources
from fixtures.hardening.sight import Sight
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "security.memory-limits",
    title="The kernel holds every container to the memory that its service declares, swap included",
    why="One leak takes the machine: the kernel then kills whoever is largest, and that is the database.",
    fix="Declare `mem_limit` and `memswap_limit`. Where only the live one differs (`docker update`), make the container anew.",
    needs=("api", "worker", "database"),
    standards=("C09", "CIS Docker 5.11", "API4:2023", "CWE-770"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="memory-without-limit",
            title="Workers that may take all memory",
            says="memory",
            compose={"services": {"{worker}": {"mem_limit": 0, "memswap_limit": 0}}},
        ),
        Sabotage(
            id="memory-changed-while-running",
            title="An API whose limit somebody raised while it ran",
            says="the kernel has",
            exec=(
                {
                    "command": [
                        "sh",
                        "-ec",
                        "docker update --memory 3g --memory-swap 3g $(docker compose ps -q {services:api})",
                    ]
                },
            ),
        ),
    ),
)
def test_memory_limits(sight: Sight, evidence: Evidence) -> None:
    found = {seen: groups.held(seen.container.pid, seen.container.id) for seen in sight.seen}
    evidence.observed(len(found), "containers, by their control groups")
    evidence.value("bytes of memory, and of swap beside it", {s.name: [h.memory, h.swap] for s, h in found.items()})
    wrong = [
        w
        for seen, held in found.items()
        for w in resources.memory_complaints(seen.name, resources.declared(seen.body), held)
    ]
    for service, body in sight.idle.items():
        wrong += resources.undeclared(service, resources.declared(body), "memory", "swap")
    assert not wrong, "; ".join(wrong)
    swaps = Path("/proc/swaps").read_text().splitlines()[1:]
    if swaps and any(held.swap == -1 for held in found.values()):
        raise Unverified("the machine swaps and its kernel does not count by container: boot it with swapaccount=1")


@check(
    "security.cpu-limits",
    title="The kernel holds every container to the processors that its service declares",
    why="A busy loop in one worker makes every health check late, and healthy containers are started anew.",
    fix="Declare `cpus`. Where only the live one differs (`docker update`), make the container anew.",
    needs=("api", "worker", "database"),
    standards=("C10", "CIS Docker 5.12", "API4:2023"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="processors-without-limit",
            title="Workers that may take every processor",
            compose={"services": {"{worker}": {"cpus": 0}}},
        ),
    ),
)
def test_cpu_limits(sight: Sight, evidence: Evidence) -> None:
    found = {seen: groups.held(seen.container.pid, seen.container.id) for seen in sight.seen}
    evidence.observed(len(found), "containers, by their control groups")
    evidence.value("processors", {seen.name: held.cpus for seen, held in found.items()})
    wrong = [
        w
        for seen, held in found.items()
        for w in resources.cpu_complaints(seen.name, resources.declared(seen.body), held)
    ]
    for service, body in sight.idle.items():
        wrong += resources.undeclared(service, resources.declared(body), "cpus")
    assert not wrong, "; ".join(wrong)


@check(
    "security.process-limits",
    title="The kernel holds every container to so many processes, and every process to so many open files",
    why="A fork bomb in one container leaves no process number for the shell of whoever wants to stop it.",
    fix="Declare `pids_limit` and `ulimits: {nofile: 4096}`: what the engine gives without may be a billion.",
    needs=("api", "worker", "database"),
    standards=("C11", "C12", "CIS Docker 5.19", "CIS Docker 5.29", "API4:2023", "CWE-770"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="processes-without-limit",
            title="Workers that may start any number of processes",
            says="processes",
            compose={"services": {"{worker}": {"pids_limit": -1}}},
        ),
    ),
)
def test_process_limits(sight: Sight, evidence: Evidence) -> None:
    found = {seen: groups.held(seen.container.pid, seen.container.id) for seen in sight.seen}
    evidence.observed(len(found), "containers, by their control groups")
    evidence.observed(sight.processes, "processes, by their limit of open files")
    evidence.value("processes", {seen.name: held.pids for seen, held in found.items()})
    wrong = []
    for seen, held in found.items():
        asked = resources.declared(seen.body)
        wrong += [*resources.process_complaints(seen.name, asked, held), *resources.file_complaints(seen, asked)]
    for service, body in sight.idle.items():
        wrong += resources.undeclared(service, resources.declared(body), "pids", "files")
    assert not wrong, "; ".join(wrong)
