"""What a process may do, and what it could come to be able to do: from the kernel's own record of every process."""

from fixtures.hardening import capabilities, confinement, devices
from fixtures.hardening.sight import Sight
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "security.capabilities",
    title="Every process has the capabilities that its service declares, and a declared one has a reason",
    why="Without root a process uses none of them, so nobody misses a drop that is gone, until a setuid file brings them back.",
    fix="Set `cap_drop: [ALL]`; add back what the service cannot do without, with your reason under [hardening] capabilities.",
    needs=("api", "worker", "database"),
    standards=("C02", "CIS Docker 5.4", "CWE-250"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="capability-added",
            title="Workers that may configure the network",
            says="NET_ADMIN",
            compose={"services": {"{worker}": {"cap_add": ["NET_ADMIN"]}}},
        ),
    ),
)
def test_capabilities(sight: Sight, evidence: Evidence) -> None:
    excused = sight.target.hardening.capabilities
    services = sight.model["services"]
    evidence.observed(sight.processes, "processes, by all five of their sets")
    evidence.value("declared", {name: sorted(capabilities.declared(body)) for name, body in services.items()})
    evidence.value("excused", dict(excused))
    wrong = [w for name, body in services.items() for w in capabilities.too_many(name, body, excused)]
    wrong += [w for seen in sight.seen for w in capabilities.complaints(seen)]
    assert not wrong, "more than the service needs: " + "; ".join(wrong)


@check(
    "security.privilege-escalation",
    title="No process can gain privileges by starting another program",
    why="One setuid file in an image, and whoever runs a command in the container is root in it.",
    fix='Set `security_opt: ["no-new-privileges:true"]` for the service, and look for the override that dropped it.',
    needs=("api", "worker", "database"),
    standards=("C03", "CIS Docker 5.26", "CWE-269"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="new-privileges-allowed",
            title="An override after which an API may gain privileges",
            compose={"services": {"{api}": {"security_opt": ["no-new-privileges:false"]}}},
        ),
    ),
)
def test_privilege_escalation(sight: Sight, evidence: Evidence) -> None:
    evidence.observed(sight.processes, "processes, by their NoNewPrivs")
    evidence.value("services of which nothing runs, by what they declare", sorted(sight.idle))
    wrong = [w for seen in sight.seen for w in confinement.gains(seen)]
    wrong += [w for name, body in sight.idle.items() for w in confinement.may_gain(name, body)]
    assert not wrong, "; ".join(wrong)


@check(
    "security.privileged",
    title="No container is privileged, holds a device of the machine, or can write the kernel's settings",
    why="A privileged container is the host: it mounts the disk and reads every other container's secrets.",
    fix="Take `privileged`, `devices` and `systempaths=unconfined` out; a needed device stands under [hardening] devices.",
    needs=("api", "worker", "database"),
    standards=("C04", "CIS Docker 5.5", "CIS Docker 5.18", "CWE-250"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="worker-privileged",
            title="Privileged workers",
            says="privileged",
            compose={"services": {"{worker}": {"privileged": True}}},
        ),
        Sabotage(
            id="device-in-worker",
            title="Workers with a device of the machine",
            says="/dev/fuse",
            compose={"services": {"{worker}": {"devices": ["/dev/fuse:/dev/fuse"]}}},
        ),
        Sabotage(
            id="kernel-settings-open",
            title="An API that sees the kernel's settings as the host does",
            says="/proc",
            compose={"services": {"{api}": {"security_opt": ["systempaths=unconfined"]}}},
        ),
    ),
)
def test_privileged(sight: Sight, evidence: Evidence) -> None:
    excused = sight.target.hardening.devices
    evidence.observed(len(sight.seen), "containers, by their device nodes and the mounts over /proc and /sys")
    evidence.value("excused", dict(excused))
    wrong = [w for seen in sight.seen for w in devices.complaints(seen, excused)]
    wrong += [w for name, body in sight.idle.items() for w in devices.declared(name, body, excused)]
    wrong += [f"{c.name}: it was privileged" for c in sight.stopped if c.inspect["HostConfig"].get("Privileged")]
    assert not wrong, "; ".join(wrong)
