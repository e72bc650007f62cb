"""Security: who reaches whom, looked at from inside each network by a container of the gate's own."""

import pytest

from fixtures import compose
from fixtures.network import rules
from fixtures.network.canaries import looked_up_outside
from fixtures.network.connects import TAKEN, connects, listener
from fixtures.network.surroundings import DEFAULT_BRIDGE, Surroundings, networks_of
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

JOINED = ("sh", "-ec", "docker network connect bridge $(docker compose ps -q {services:database} | head -n 1)")


@check(
    "security.network-reach",
    title="Each service is in the networks that are declared, and only its clients can open connections to the database",
    why="Whoever takes over a service that has no business with the database must not even find its port.",
    fix="Give the database a network of its own with its clients; name these under [network] clients in readiness.toml.",
    needs=("api", "database"),
    standards=("C23", "CIS Docker 5.30", "NIST SP 800-190 4.4.2", "ASVS 5.0 13.2.4"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="database-joined-by-hand",
            title="A database that somebody has put into another network while it runs",
            exec=({"command": list(JOINED)},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_network_reach(surroundings: Surroundings, target: Target, evidence: Evidence) -> None:
    stack = surroundings.stack
    containers = stack.containers()
    declared = rules.declared_networks(stack.model)
    live = [(c.service, networks_of(c)) for c in containers]
    moved = rules.moved(declared, live)
    evidence.value("networks of running containers", {c.name: sorted(networks_of(c)) for c in containers})
    assert not moved, "; ".join(moved)
    unknown = surroundings.unknown()
    assert not unknown, "in the system's networks without belonging to it: " + ", ".join(unknown)
    matrix = surroundings.reach
    evidence.value("reached from inside each network", {seen.network: seen.open for seen in matrix})
    evidence.observed(sum(seen.tried for seen in matrix), "connections tried")
    reached = [s for seen in matrix for s in seen.open if target.role_of(s) == "database"]
    if not reached:
        raise Unverified("the database was reached from no network at all, not even from those of its clients")
    wrong = rules.strangers(matrix, target.network.clients, target.role_of)
    assert not wrong, "; ".join(wrong)


@check(
    "security.bound-interfaces",
    title="Published ports are bound to the declared addresses of the machine, and nowhere else does anything answer",
    why="A port bound to every address is open to the whole network, whatever a firewall says: the engine goes past it.",
    fix="Publish as 127.0.0.1:PORT:PORT, or name the address under [network] bind in readiness.toml.",
    needs=("api",),
    standards=("C22", "CIS Docker 5.14", "CWE-668"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="published-on-every-address",
            title="A port published on every address of the machine",
            compose={"services": {"{database}": {"ports": ["0.0.0.0:15432:5432"]}}},
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_bound_interfaces(surroundings: Surroundings, target: Target, evidence: Evidence) -> None:
    stack = surroundings.stack
    published = compose.published(stack.declared)
    allowed = target.network.bind
    bound = [
        (c.service, port, binding["HostIp"], int(binding["HostPort"]))
        for c in stack.containers()
        for port, bindings in (c.inspect["NetworkSettings"].get("Ports") or {}).items()
        for binding in bindings or ()
    ]
    evidence.value("declared", [f"{p.host_ip or '*'}:{p.published}->{p.service}:{p.port}" for p in published])
    evidence.value("bound now", [f"{address}:{number}->{service}:{port}" for service, port, address, number in bound])
    evidence.observed(len(published) + len(bound), "ports, declared and bound")
    wrong = rules.bound_elsewhere(published, allowed)
    wrong += rules.live_elsewhere(((s, p, a) for s, p, a, _ in bound), allowed)
    with listener() as planted:
        numbers = {number for *_, number in bound}
        said = connects(surroundings.outside.pid, [(a, n) for a in surroundings.machine() for n in {planted, *numbers}])
    unplanted = [a for a in surroundings.machine() if said[a, planted] != TAKEN]
    if unplanted == list(surroundings.machine()):
        raise Unverified(f"a port that the gate opened on every address was not reached at {', '.join(unplanted)}")
    evidence.value("connects from another network", {f"{a}:{n}": word for (a, n), word in said.items()})
    evidence.observed(len(said), "connects from another network")
    whose = {number: f"{service}:{port}" for service, port, _, number in bound}
    wrong += [
        f"{whose[n]} answers at {a}:{n} to whoever is in another network"
        for (a, n), word in said.items()
        if word == TAKEN and n != planted and a not in allowed and not set(allowed) & set(rules.ANYWHERE)
    ]
    assert not wrong, "; ".join(wrong)


@check(
    "security.default-bridge",
    title="No container of the system is in the engine's default network",
    why="There every container of the machine finds every other one, and nothing separates them.",
    fix="Take the container out of the network `bridge`, and `network_mode: bridge` out of the compose file.",
    needs=("api",),
    standards=("C29", "CIS Docker 5.30", "CIS Docker 2.2"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="worker-on-the-default-bridge",
            title="A worker that somebody has put into the engine's default network",
            exec=(
                {
                    "command": [
                        "sh",
                        "-ec",
                        "docker network connect bridge $(docker compose ps -q {services:worker} | head -n 1)",
                    ]
                },
            ),
        ),
    ),
)
def test_default_bridge(stack: ComposeStack, evidence: Evidence) -> None:
    declared = {service for service, names in rules.declared_networks(stack.model).items() if DEFAULT_BRIDGE in names}
    found = stack.every_container()
    evidence.observed(len(found), "containers, those of single commands included")
    evidence.value("networks", {c.name: sorted(networks_of(c)) for c in found})
    live = sorted(c.name for c in found if DEFAULT_BRIDGE in networks_of(c))
    assert not declared, f"put into the default network by the compose model: {', '.join(sorted(declared))}"
    assert not live, f"in the engine's default network: {', '.join(live)}"


@check(
    "security.egress",
    title="Only the declared roles reach anything outside the system's networks, not even by the names that they look up",
    why="What cannot get out can neither carry data away nor fetch the rest of an attack; a name carries data as well.",
    fix="Set `internal: true` for everybody else's networks; name who may get out under [network] egress in readiness.toml.",
    needs=("api",),
    standards=("C24", "NIST SP 800-190 4.4.2", "ASVS 5.0 13.2.4", "API7:2023"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="worker-with-a-way-out",
            title="A worker in one network more, which is not internal",
            compose={"networks": {"way-out": {}}, "services": {"{worker}": {"networks": {"way-out": {}}}}},
            says="gets packets out",
        ),
        Sabotage(
            id="database-whose-names-get-out",
            title="A database that somebody has put into a network that is not internal: names that it looks up leave it",
            exec=({"command": list(JOINED)},),
            says="gets names outside by",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_egress(surroundings: Surroundings, target: Target, evidence: Evidence) -> None:
    stack = surroundings.stack
    wrong = surroundings.opened()
    ways = surroundings.open_networks()
    seen = surroundings.leaving()
    kept_in = {c.name: c for c in stack.containers() if c.role not in target.network.egress}
    named = looked_up_outside(surroundings, kept_in)
    evidence.value("networks that are not internal", ways)
    evidence.value("seen to get packets out", sorted(seen))
    evidence.value("names of these seen outside, by whom they asked", named)
    evidence.observed(len(ways), "containers, each tried from its own networks")
    evidence.observed(len(kept_in), "containers that looked up a name of the gate's own")
    for name, container in kept_in.items():
        open_to = [f"is in {network}, which is not internal" for network in ways[name]]
        sent = ["gets packets out"] if name in seen else []
        asked = [f"gets names outside by {' and '.join(named[name])}"] if name in named else []
        if why := open_to + sent + asked:
            wrong.append(f"{container.service} ({container.role}) gets out of the system's networks: {'; '.join(why)}")
    assert not wrong, "; ".join(wrong)
