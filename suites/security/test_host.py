"""What of the machine itself can be reached from inside a container: its files and its namespaces."""

from fixtures.hardening import host_mounts, namespaces
from fixtures.hardening.sight import Sight
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "security.host-mounts",
    title="No container sees files of the machine beyond the system's own folder, and those it cannot write",
    why="A bind of /etc or of a log folder, even through a volume with a harmless name, is a way to the host.",
    fix="Use a named volume, or say under [hardening] host_mounts why the container must see the machine's files.",
    needs=("api", "worker", "database"),
    standards=("C14", "CIS Docker 5.6", "CIS Docker 5.20", "NIST SP 800-190 4.4.3"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="volume-that-is-etc",
            title="A named volume that is the host's /etc",
            says="/etc",
            compose={
                "services": {"{worker}": {"volumes": ["settings:/mnt/settings:ro"]}},
                "volumes": {"settings": {"driver_opts": {"type": "none", "o": "bind", "device": "/etc"}}},
            },
        ),
        Sabotage(
            id="own-folder-writable",
            title="Workers that can write the folder that the system is deployed from",
            says="can be written",
            compose={"services": {"{worker}": {"volumes": [".:/mnt/system"]}}},
        ),
    ),
)
def test_host_mounts(stack: ComposeStack, sight: Sight, evidence: Evidence) -> None:
    rules = host_mounts.Rules(stack.folder, sight.target.hardening.host_mounts)

    def seen_now() -> list[str]:
        host = host_mounts.host_mounts()
        return [w for seen in sight.seen for w in host_mounts.complaints(seen, sight.model, host, rules)]

    evidence.observed(len(sight.seen), "containers, by what the kernel has mounted in them")
    evidence.value("excused", dict(rules.excused))
    # Twice: while other containers come and go, the number of a file system may be that of another a moment later.
    first = seen_now()
    again = set(seen_now()) if first else set()
    wrong = [w for w in first if w in again]
    for service, body in sight.idle.items():
        wrong += host_mounts.of_model(service, body, sight.model, rules)
    assert not wrong, "; ".join(wrong)


@check(
    "security.host-namespaces",
    title="No process of any service is in a namespace of the host",
    why="In the host's namespaces a container sees and signals every process, or every network connection, of the machine.",
    fix="Take `pid: host`, `network_mode: host`, `ipc: host`, `uts: host` and `userns_mode: host` out.",
    needs=("api", "worker", "database"),
    standards=("C15", "CIS Docker 5.10", "CIS Docker 5.16", "CIS Docker 5.17", "CIS Docker 5.21", "CIS Docker 5.31"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="processes-of-host",
            title="Workers that see every process of the machine",
            says="pid",
            compose={"services": {"{worker}": {"pid": "host"}}},
        ),
        Sabotage(
            id="memory-of-host",
            title="An API that shares memory with the machine",
            says="ipc",
            compose={"services": {"{api}": {"ipc": "host"}}},
        ),
    ),
)
def test_host_namespaces(sight: Sight, evidence: Evidence) -> None:
    excused = sight.target.hardening.host_namespaces
    host = namespaces.of_host()
    evidence.observed(sight.processes, "processes, by their namespaces")
    evidence.value("the host's namespaces", {kind: sorted(found) for kind, found in host.items()})
    wrong = [w for seen in sight.seen for w in namespaces.shared(seen, host, excused)]
    wrong += [w for name, body in sight.idle.items() for w in namespaces.declared(name, body, excused)]
    assert not wrong, "; ".join(wrong)
