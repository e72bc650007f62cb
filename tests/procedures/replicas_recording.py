"""A recorded runner that knows single containers and the gateway's places, for changes that replace one at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from procedures.commands import COLOURS, Argv
from tests.procedures import recording
from tests.procedures.recording import COMPOSE, Recorded, image_id

PLACES = 4


@dataclass
class Replica:
    """One container as the engine knows it."""

    id: str
    service: str
    release: str
    address: str
    running: bool = True
    restarts: int = 0

    @property
    def colour(self) -> str:
        return self.service.partition("-")[2]


def mutating(argv: Argv) -> bool:
    """Whether a command changes the system: also the engine's own commands and the gateway's `out`."""
    return (
        recording.mutating(argv)
        or argv[:2] in {("docker", "stop"), ("docker", "rm")}
        or argv[len(COMPOSE.base) :][:1] == ("rm",)
        or "out" in argv
    )


@dataclass
class Replicas(Recorded):
    """Containers come by `up --scale` and go by `docker rm`. `most` and `fewest` serving ones are noted for each part."""

    containers: list[Replica] = field(default_factory=list)
    out: dict[str, set[str]] = field(default_factory=lambda: {colour: set() for colour in COLOURS})
    sick: set[str] = field(default_factory=set)  # releases whose containers never pass their check
    served: list[set[str]] = field(default_factory=list)  # the releases that got requests, after each change
    born: int = 0

    def begin(self, replicas: int = 1, release: str = "1.0.0", colour: str = "blue") -> None:
        for part in ("api", "worker"):
            for _ in range(replicas):
                self.bear(f"{part}-{colour}", release)

    def bear(self, service: str, release: str) -> None:
        self.born += 1
        self.containers.append(Replica(f"{service}/{self.born}", service, release, f"10.0.0.{self.born}"))

    def of(self, service: str) -> list[str]:
        """The releases of a service's running containers."""
        return [each.release for each in self.containers if each.service == service and each.running]

    @property
    def drained(self) -> set[str]:
        """What the gateway keeps requests from, in either colour."""
        return set().union(*self.out.values())

    @property
    def releases(self) -> dict[str, list[str]]:
        return {service: self.of(service) for service in sorted({each.service for each in self.containers})}

    @property
    def changes(self) -> list[Argv]:
        return [argv for argv in self.argvs if mutating(argv)]

    def _answer(self, argv: Argv, env: dict[str, str], text: str | None) -> Any:
        words = argv[len(COMPOSE.base) :]
        if words[:1] == ("up",):
            self._up(words, env)
        elif words[:1] == ("rm",):
            self.containers = [each for each in self.containers if each.service not in words]
        elif words[:1] == ("stop",):
            self._stop([each for each in self.containers if each.service in words])
        elif argv[:2] == ("docker", "stop"):
            self._stop([each for each in self.containers if each.id == argv[2]])
        elif argv[:2] == ("docker", "rm"):
            self.containers = [each for each in self.containers if each.id != argv[-1]]
        elif "out" in argv:
            self.out[argv[argv.index("out") + 1]] = set(argv[argv.index("out") + 2 :])
        elif "to" in argv:
            self.active = argv[argv.index("to") + 1]
        if mutating(argv):
            self.served.append({each.release for each in self.containers if self._serves(each)})
        if argv == COMPOSE.marker():
            self.marked.append(text or "")
        return self._seen(argv, env)

    def _up(self, words: Argv, env: dict[str, str]) -> None:
        for service in [word for word in words if word.startswith(("api-", "worker-"))]:
            if "=" in service:
                continue
            scale = next((int(word.split("=")[1]) for word in words if word.startswith(f"{service}=")), 1)
            release = env[f"RELEASE_{service.partition('-')[2].upper()}"]
            if "--force-recreate" in words:
                self.containers = [each for each in self.containers if each.service != service]
            while len(self.of(service)) < scale:
                self.bear(service, release)
                if "free" in self.out[self.containers[-1].colour]:
                    self.out[self.containers[-1].colour].add(self.containers[-1].address)
            assert len(self.of(service)) == scale, "compose would have removed a container unasked"

    def _stop(self, leaving: list[Replica]) -> None:
        for each in leaving:
            assert not self._serves(each), f"{each.id} was stopped while it got requests"
            each.running = False

    def _serves(self, each: Replica) -> bool:
        up = each.running and each.release not in self.sick and each.colour == self.active
        return up and each.service.startswith("api") and each.address not in self.out[each.colour]

    def _seen(self, argv: Argv, env: dict[str, str]) -> Any:
        for colour in COLOURS:
            mine = [each for each in self.containers if each.colour == colour]
            if argv == COMPOSE.containers(colour):
                return " ".join(each.id for each in mine)
            if argv == COMPOSE.version(colour):
                return {"release": self.of(f"api-{colour}")[0]}
            if argv == COMPOSE.gateway_servers(colour):
                return {"servers": self._servers([each for each in mine if each.service.startswith("api")])}
        if argv == COMPOSE.gateway_status():
            up = {c: {"up": sum(self._up_at_gateway(each, c) for each in self.containers)} for c in COLOURS}
            return {"active": self.active, **up}
        if argv[:2] == ("docker", "exec"):
            return {"release": next(each.release for each in self.containers if each.id == argv[2])}
        return Recorded._seen(self, argv, env)

    def _up_at_gateway(self, each: Replica, colour: str) -> bool:
        return each.service == f"api-{colour}" and each.running and each.release not in self.sick

    def _servers(self, replicas: list[Replica]) -> list[dict[str, Any]]:
        known = [
            {"address": each.address, "requests": 0, "up": each.release not in self.sick}
            for each in replicas
            if each.running
        ]
        return [*known, *({"address": "", "requests": 0, "up": False} for _ in range(PLACES - len(known)))]

    def _container(self, service: str) -> dict[str, Any]:
        replica = next(each for each in self.containers if each.id == service)
        part = replica.service.partition("-")[0]
        return {
            "Id": replica.id,
            "Image": image_id(f"docjobs-{part}:{replica.release}"),
            "RestartCount": replica.restarts,
            "State": {
                "Running": replica.running,
                "Restarting": False,
                "Health": {"Status": "starting" if replica.release in self.sick else "healthy"},
            },
            "Config": {
                "Labels": {"com.docker.compose.service": replica.service},
                "Healthcheck": {"Test": ["CMD", "check"]},
            },
            "NetworkSettings": {"Networks": {"app": {"IPAddress": replica.address}}},
        }


def checking(argv: Argv) -> bool:
    """Whether a command runs a container's own health check."""
    return argv[:2] == ("docker", "exec") and argv[-1] == "check"


def placed(*argvs: Argv) -> list[str]:
    """Commands as short words, for comparing orders: `up api-blue=2`, `out blue free`, `stop api-blue/1`."""
    return [_short(argv) for argv in argvs]


def _short(argv: Argv) -> str:
    if argv[:1] == ("docker",) and argv[1] in {"stop", "rm"}:
        return f"{argv[1]} {argv[-1]}"
    for word in ("out", "to", "canary", "activate"):
        if word in argv:
            return " ".join(argv[argv.index(word) :])
    if "--scale" in argv:
        return f"up {argv[argv.index('--scale') + 1]}"
    return " ".join(argv[len(COMPOSE.base) :])
