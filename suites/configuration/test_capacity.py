import pytest

from fixtures import compose
from fixtures.capacity import Sum, connections, machine, of_role, worker
from fixtures.clients.database import Database
from fixtures.clients.docker import Container
from fixtures.drift.declared import declared
from fixtures.processes import processes
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target

_SESSIONS = """
SELECT host(client_addr), usename, count(*) FROM pg_stat_activity
WHERE client_addr IS NOT NULL AND backend_type = 'client backend' GROUP BY 1, 2"""
_ROLES = "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolconnlimit >= 0"


@check(
    "configuration.capacity",
    title="What the services may take at most, during a deployment too, is less than there is: connections and memory",
    why="Each pool is right alone; at the first deployment under load the database refuses the new side's connections.",
    fix="Make pools, concurrency or limits smaller, or give the database more connections and the machine more memory.",
    needs=("capacity", "database.sql", "api", "worker"),
    minimum=6,
    broken_by=(
        Sabotage(
            id="limits-over-the-machine",
            title="A worker that may take more memory than the machine has",
            compose={"services": {"{worker}": {"mem_limit": "64g", "memswap_limit": "64g"}}},
            says="memory",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_capacity(stack: ComposeStack, target: Target, database: Database, evidence: Evidence) -> None:
    table = target.capacity
    assert table is not None
    pools = {c.name: _number(c, table.pool) for role in ("api", "worker") for c in stack.containers(role)}
    most = int(database.value("SHOW max_connections") or 0)
    reserved = int(database.value("SHOW superuser_reserved_connections") or 0)
    sums = [connections(table, pools, most, reserved)]
    open_now, roles = _sessions(stack, database)
    if not any(open_now.get(name) for name in pools):
        raise Unverified("the database has no session of an API or a worker, so their pools are not seen at work")
    limits = {str(name): int(limit or 0) for name, limit in database.rows(_ROLES)}
    sums += [
        of_role(table, role, {name: pools[name] for name in sorted(users)}, limits[role])
        for role, users in roles.items()
        if role in limits and users
    ]
    if table.concurrency:
        sums += [worker(table, c.name, _number(c, table.concurrency), _memory(c)) for c in stack.containers("worker")]
    sums.append(machine(table, _limits(stack)))
    evidence.observed(len(pools), "pools, as their processes were started with them")
    evidence.observed(len(sums), "sums")
    evidence.value("sums", {s.what: {"needed": s.total, "there is": s.limit, "unit": s.unit, **s.parts} for s in sums})
    evidence.value("sessions open now", open_now)
    lying = [
        f"{name} has {open_now[name]} sessions open, and its pool is said to be {size}"
        for name, size in pools.items()
        if open_now.get(name, 0) > size + table.beside
    ]
    _demand_kept(sums)
    assert not lying, "; ".join(lying)


def _demand_kept(sums: list[Sum]) -> None:
    wrong = [found.too_much for found in sums if found.too_much]
    assert not wrong, "; ".join(wrong)


def _number(container: Container, variable: str) -> int:
    """A number that the container's main process was started with."""
    for process in processes(container):
        if process.pid == container.pid:
            value = dict(pair.partition("=")[::2] for pair in process.environ).get(variable, "")
            if not value.isdigit():
                raise Unverified(f"{container.name}: {variable} is {value!r}, no number")
            return int(value)
    raise Unverified(f"{container.name}: its main process cannot be seen: run the gate on the engine's host as root")


def _memory(container: Container) -> int:
    return int(container.inspect["HostConfig"].get("Memory") or 0)


def _sessions(stack: ComposeStack, database: Database) -> tuple[dict[str, int], dict[str, set[str]]]:
    """Sessions by container, and by database role the containers that log in as it."""
    by_address = {
        network["IPAddress"]: c.name
        for role in ("api", "worker")
        for c in stack.containers(role)
        for network in (c.inspect["NetworkSettings"].get("Networks") or {}).values()
        if network.get("IPAddress")
    }
    counted: dict[str, int] = {}
    roles: dict[str, set[str]] = {}
    for address, role, number in database.rows(_SESSIONS):
        name = by_address.get(str(address))
        if name is not None:
            counted[name] = counted.get(name, 0) + int(number or 0)
            roles.setdefault(str(role), set()).add(name)
    return counted, roles


def _limits(stack: ComposeStack) -> list[tuple[str, int]]:
    """Each service and its memory limit times its replicas: of what runs the engine's own word, of the rest the model's."""
    model = stack.declared_now()
    running = {container.service: _memory(container) for container in stack.containers()}
    found = []
    for service, body in model["services"].items():
        limit = running.get(service) or int(declared(service, model, {})["memory limit"])
        if not limit:
            raise Unverified(
                f"{service} has no memory limit, so nothing can be added up: security and production rules say so"
            )
        found.append((service, limit * compose.replicas(body)))
    return found
