"""A recorded runner: answers every command of the procedures as a healthy system would, except for those told to fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from procedures import environment
from procedures.commands import COLOURS, Argv, Compose
from procedures.shell import Completed

COMPOSE = Compose.of({})
ENVIRONMENT = """\
# kept
COMPOSE_PROFILES=blue,grafana
ACTIVE_COLOUR=blue
RELEASE_BLUE=1.0.0
RELEASE_GREEN=1.0.0
RELEASE_MIGRATE=1.0.0
DOCJOBS_SECRETS=./.secrets
"""
IMAGES = {f"docjobs-{part}:{release}" for part in ("api", "worker", "migrate") for release in ("1.0.0", "1.1.0")}


def image_id(reference: str) -> str:
    return f"sha256:{reference}"


def rehearsed(
    new: int = 200,
    live: int = 200,
    *,
    new_ms: float = 5.0,
    live_ms: float = 5.0,
    reads: int = 150,
    bad: int | None = None,
) -> dict[str, Any]:
    """What the script of the rehearsal prints; `bad` of the reads have the statuses given, else all of them."""

    def side(status: int, ms: float) -> dict[str, Any]:
        answered = [status] * (reads if bad is None else bad)
        return {"statuses": answered + [200] * (reads - len(answered)), "ms": [ms] * reads}

    return {"new": side(new, new_ms), "live": side(live, live_ms), "counted": []}


def mutating(argv: Argv) -> bool:
    """Whether a command changes the system, told by what it is and not by the procedures' own opinion."""
    words = argv[len(COMPOSE.base) :] if argv[: len(COMPOSE.base)] == COMPOSE.base else ()
    return words[:1] in {("run",), ("up",), ("stop",)} or bool({"to", "activate", "canary"} & set(words[3:]))


@dataclass
class Recorded:
    """What was run, with the environment it saw, and the system's state as far as the procedures ask for it."""

    file: Path
    images: set[str] = field(default_factory=lambda: set(IMAGES))
    fails: Callable[[Argv], bool] = lambda _argv: False
    active: str = "blue"
    running: dict[str, str] = field(default_factory=lambda: {"blue": "1.0.0"})
    unready: set[str] = field(default_factory=set)
    database: str = "f"
    rehearsal: dict[str, Any] = field(default_factory=rehearsed)
    counted: list[dict[str, Any]] = field(default_factory=list)
    kept: Path | None = None
    argvs: list[Argv] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)

    def __call__(self, argv: Argv, *, env: dict[str, str], timeout_s: float, **given: str | None) -> Completed:
        self.argvs.append(argv)
        self.environments.append(env)
        if self.fails(argv):
            return Completed(argv, 1, "", "it broke", 0.0)
        answer = self._answer(argv, env, given.get("input"))
        self._keep()
        absent = argv[:3] == ("docker", "image", "inspect") and len(answer) < len(argv[3:])
        status, said = (1, "Error: No such image") if absent else (0, "")
        return Completed(argv, status, answer if isinstance(answer, str) else json.dumps(answer), said, 0.0)

    @classmethod
    def again(cls, file: Path, kept: Path) -> Recorded:
        """The same system after the process that looked at it is gone; what it is, is in `kept`."""
        system = cls(file, kept=kept)
        if kept.exists():
            said = json.loads(kept.read_text(encoding="utf-8"))
            system.active, system.running = said["active"], said["running"]
        return system

    def _keep(self) -> None:
        if self.kept:
            self.kept.write_text(json.dumps({"active": self.active, "running": self.running}), encoding="utf-8")

    @property
    def changes(self) -> list[Argv]:
        return [argv for argv in self.argvs if mutating(argv)]

    @property
    def values(self) -> dict[str, str]:
        return environment.read(self.file)

    def _answer(self, argv: Argv, env: dict[str, str], text: str | None) -> Any:
        for colour in COLOURS:
            if argv in {COMPOSE.start(colour), COMPOSE.keep(colour)}:
                self.running[colour] = env[f"RELEASE_{colour.upper()}"]
            if argv == COMPOSE.stop(colour):
                self.running.pop(colour, None)
            if argv in {COMPOSE.gateway_to(colour), COMPOSE.gateway_back_to(colour)}:
                self.active = colour
        if argv == COMPOSE.marker():
            self.marked.append(text or "")
        return self._seen(argv, env)

    def _seen(self, argv: Argv, env: dict[str, str]) -> Any:
        up = {colour: {"up": int(colour in self.running)} for colour in COLOURS}
        looks: dict[Argv, Any] = {
            COMPOSE.config(): {"services": self._services(env)},
            COMPOSE.gateway_status(): {"active": self.active, **up},
            COMPOSE.database_state(): self.database,
            COMPOSE.containers_of("database"): "database" if self.running else "",
            COMPOSE.alive(("backup",)): "backup",
        }
        if "promtool" in argv:
            return self.counted
        for colour in COLOURS:
            running = colour in self.running
            looks[COMPOSE.containers(colour)] = f"api-{colour} worker-{colour}" if running else ""
            looks[COMPOSE.script(f"api-{colour}")] = self.rehearsal
            looks[COMPOSE.version(colour)] = {"release": self.running.get(colour)}
        if argv[:3] == ("docker", "container", "inspect"):
            return [self._container(service) for service in argv[3:]]
        if argv[:3] == ("docker", "image", "inspect"):
            return [{"Id": image_id(each), "RepoTags": [each]} for each in argv[3:] if each in self.images]
        return looks.get(argv, {"running": 0})

    def _services(self, env: dict[str, str]) -> dict[str, Any]:
        found = {"migrate": {"image": f"docjobs-migrate:{env['RELEASE_MIGRATE']}"}}
        for colour in COLOURS:
            for part in ("api", "worker"):
                found[f"{part}-{colour}"] = {"image": f"docjobs-{part}:{env[f'RELEASE_{colour.upper()}']}"}
        return found

    def _container(self, service: str) -> dict[str, Any]:
        part, _, colour = service.partition("-")
        health = "starting" if service in self.unready else "healthy"
        return {
            "Id": service,
            "Image": image_id(f"docjobs-{part}:{self.running.get(colour, '1.0.0')}"),
            "RestartCount": 0,
            "State": {"Running": True, "Restarting": False, "Health": {"Status": health}},
            "Config": {"Labels": {"com.docker.compose.service": service}},
        }
