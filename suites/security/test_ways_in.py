"""Ways into the machine and into the containers that nobody should have left open."""

from fixtures.hardening import engine_socket, host_mounts, probe, remote_shells
from fixtures.hardening.sight import Sight
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage

_GREETS = """
import socket
with socket.create_server(("", 7022)) as server:
    while True:
        connection, _ = server.accept()
        connection.sendall(b"SSH-2.0-maintenance\\r\\n")
        connection.close()
"""


@check(
    "security.engine-socket",
    title="No container can reach a container engine",
    why="Whoever can ask the engine for a container can ask for one that has the host's disk: it is root on the machine.",
    fix="Take the socket, or the folder above it, out of `volumes`, and the engine off the network.",
    needs=("api", "worker", "database"),
    standards=("C13", "CIS Docker 5.32", "NIST SP 800-190 4.4.3"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="engine-socket-mounted",
            title="Workers with the engine's socket",
            says="engine",
            compose={"services": {"{worker}": {"volumes": ["/var/run/docker.sock:/run/engine.sock"]}}},
        ),
        Sabotage(
            id="folder-of-engine-socket-mounted",
            title="Workers that see the folder in which the engine's socket is",
            says="engine",
            compose={"services": {"{worker}": {"volumes": ["/run:/mnt/run:ro"]}}},
        ),
    ),
)
def test_engine_socket(sight: Sight, evidence: Evidence) -> None:
    engines = engine_socket.of_machine()
    host = host_mounts.host_mounts()
    asked: set[tuple[str, str]] = set()
    wrong = [w for seen in sight.seen for w in engine_socket.mounted(seen, engines, host)]
    wrong += [w for seen in sight.seen for w in engine_socket.by_network(seen)]
    wrong += engine_socket.open_on_host()
    assert not wrong, "; ".join(wrong)
    # Only now: what leads to the engine may lead to everything, and would be walked for ever.
    places = {seen: engine_socket.tops(seen, asked) for seen in sight.seen}
    found = probe.each(sight.seen, lambda seen: engine_socket.answering(seen, places[seen]))
    evidence.observed(len(found), "containers, by their mounts, ports and sockets")
    evidence.value("sockets that were asked", {seen.name: number for seen, (number, _) in found.items()})
    wrong = [w for _, of_container in found.values() for w in of_container]
    assert not wrong, "; ".join(wrong)


@check(
    "security.remote-shells",
    title="No container runs a server for shells, and no shell takes its commands from the network",
    why="A way in for maintenance has accounts and keys of its own that nobody revokes.",
    fix="Remove the server: who must look inside uses `docker exec`, which the engine logs.",
    needs=("api", "worker", "database"),
    standards=("C16", "CIS Docker 5.7"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="shell-server-beside",
            title="A server that greets as SSH, under another name and on another port",
            says="SSH",
            exec=({"role": "worker", "detach": True, "command": ["python3", "-c", _GREETS]},),
        ),
    ),
)
def test_remote_shells(sight: Sight, evidence: Evidence) -> None:
    remote_shells.planted()
    found = probe.each(sight.seen, remote_shells.complaints, at_once=len(sight.seen))
    evidence.observed(sum(number for number, _ in found.values()), "listening sockets, by owner, port and greeting")
    evidence.observed(sight.processes, "processes, by name and by what they read")
    wrong = [w for _, of_container in found.values() for w in of_container]
    assert not wrong, "; ".join(wrong)
