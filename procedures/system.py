"""The running instance: questions to the engine, the gateway and the workers, and commands to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from procedures import commands, environment
from procedures.commands import Argv, Compose
from procedures.live import Live
from procedures.refusal import Refused, StepFailed
from procedures.settings import Settings
from procedures.shell import Completed

Run = Callable[..., Completed]
_ASK_TIMEOUT_S = 60.0
_DATABASE_MEND = "bring it back as reference/runbooks/recovery.md says, and begin again when it answers"


@dataclass(frozen=True, slots=True)
class Container:
    """What the engine says about one container. `check` is the health check it declares, empty where it has none;
    `addresses` are those it has in the instance's networks.
    """

    id: str
    service: str
    image: str
    running: bool
    health: str
    restarts: int
    check: Argv
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """A place for a server at the gateway: its address (empty: none has it), the requests it has under way, and whether
    its own check succeeded, also while it is given none.
    """

    address: str
    requests: int
    up: bool


@dataclass(frozen=True, slots=True)
class Configuration:
    """The effective configuration of the instance: its fingerprint, and the image reference of each service."""

    fingerprint: str
    images: Mapping[str, str]


class System:
    """One instance, under the truth of its environment file. Every command runs through `run`."""

    def __init__(self, run: Run, compose: Compose, file: Path, settings: Settings) -> None:
        self.compose = compose
        self.settings = settings
        self._run = run
        self.file = file
        # The file's values are laid over the operator's own environment, which compose would otherwise prefer.
        self._values = {key: value for key, value in environment.read(file).items() if value}

    def live(self) -> Live:
        """What the environment file says is live. Refused when it says nothing."""
        return Live.read(environment.read(self.file))

    def value(self, key: str) -> str:
        """One value of the environment file; empty when it is not set."""
        return self._values.get(key, "")

    def also(self, values: Mapping[str, str]) -> None:
        """Let the next commands see these values as well, without writing them down."""
        self._values = self._values | dict(values)

    def assume(self, live: Live, *, both: bool = False) -> None:
        """Let the next commands see `live` without writing it down."""
        self._values = self._values | live.values(both=both)

    def record(self, live: Live, *, both: bool = False) -> None:
        """Write `live` into the environment file and let the next commands see it. Raises OSError."""
        environment.rewrite(self.file, live.values(both=both))
        self.assume(live, both=both)

    def writable(self) -> None:
        """Refused when the environment file could not be replaced: before anything is changed that it would have to say."""
        try:
            environment.replaceable(self.file)
        except OSError as error:
            raise Refused(
                f"the environment file {self.file} cannot be rewritten: {error.strerror}",
                f"make room in {self.file.parent}, and let whoever deploys write there",
            ) from None

    def do(self, argv: Argv, what: str, *, mend: str = "", timeout_s: float = 120.0) -> Completed:
        """Run a command that has to succeed; CommandFailed otherwise."""
        return self._run(argv, env=self._values, timeout_s=timeout_s).check(what, mend)

    def stream(
        self, argv: Argv, *, source: IO[bytes] | None = None, into: IO[bytes] | None = None, timeout_s: float
    ) -> Completed:
        """Run a command that reads from, or writes to, an open file, however large."""
        return self._run(argv, env=self._values, timeout_s=timeout_s, source=source, into=into)

    def ask(self, argv: Argv, *, text: str | None = None) -> Completed:
        """Run a command whose failure is an answer, too; `text` goes to its stdin."""
        return self._run(argv, env=self._values, timeout_s=_ASK_TIMEOUT_S, input=text)

    def configuration(self) -> Configuration:
        """The effective configuration. Refused when compose does not accept it."""
        text = self._effective()
        services = json.loads(text)["services"]
        images = {name: service["image"] for name, service in services.items() if "image" in service}
        return Configuration(hashlib.sha256(text.encode()).hexdigest(), images)

    def services(self) -> dict[str, Any]:
        """What compose makes of each service. Refused when it does not accept the configuration."""
        found: dict[str, Any] = json.loads(self._effective())["services"]
        return found

    def _effective(self) -> str:
        answer = self.ask(self.compose.config())
        if not answer.ok:
            raise Refused("compose refuses the configuration: " + " ".join(answer.last_lines(2)), "make setup")
        return answer.stdout

    def image_ids(self, references: Sequence[str]) -> dict[str, str]:
        """The ids of those images that this engine has. CommandFailed when it does not say."""
        answer = self.ask(commands.inspect_images(references))
        if not answer.ok and "no such image" not in answer.stderr.lower():
            answer.check("the engine does not say which images it has", "readygate doctor")
        found = {
            tag: str(image["Id"]) for image in json.loads(answer.stdout or "[]") for tag in image["RepoTags"] or ()
        }
        return {reference: found[reference] for reference in references if reference in found}

    def containers(self, colour: str) -> list[Container]:
        """The containers of a colour, stopped ones included."""
        ids = self.do(self.compose.containers(colour), f"cannot list the containers of {colour}").stdout.split()
        return self.inspected(ids, f"cannot inspect the containers of {colour}") if ids else []

    def inspected(self, ids: Sequence[str], what: str) -> list[Container]:
        """What the engine says now of containers that are known already; CommandFailed when one is gone."""
        answer = self.do(commands.inspect_containers(ids), what)
        return [_container(each) for each in json.loads(answer.stdout)]

    def database(self) -> Container | None:
        """The database's container, whatever its state; None when there is none."""
        ids = self.do(self.compose.containers_of("database"), "cannot list the database's container").stdout.split()
        return self.inspected(ids[:1], "cannot inspect the database's container")[0] if ids else None

    def illness(self, container: Container) -> str:
        """Why a container does not pass the health check it declares; empty when it does.

        The check is run at once: the engine's own timer would say the same seconds later.
        """
        if not container.running:
            return f"not running, last said {self.last_words_of(container)!r}"
        if container.health == "healthy" or not container.check:
            return ""
        answer = self.ask(commands.inside_container(container.id, container.check))
        return "" if answer.ok else " ".join(answer.last_lines(1)) or f"its health check ended with {answer.status}"

    def fit_for_change(self) -> None:
        """Refused when the database does not answer or is in recovery: whoever restores it is not to be disturbed."""
        answer = self.ask(self.compose.database_state())
        if not answer.ok:
            said = " ".join(answer.last_lines(1)) or f"exit status {answer.status}"
            raise Refused(f"the database does not answer, or is being restored: {said}", self._database_mend())
        if answer.stdout.strip() != "f":
            raise Refused("the database is in recovery: a restore is under way", _DATABASE_MEND)

    def _database_mend(self) -> str:
        """How to get a database that answers: where there never was a container of it, most likely nothing was started yet."""
        made = self.ask(self.compose.containers_of("database"))
        if not made.ok or made.stdout.strip():
            return _DATABASE_MEND
        start = " ".join((*self.compose.base, "up", "-d"))
        begun = f"nothing has been started here: {start}, and again when every service is healthy"
        return f"{begun}; after a loss, {_DATABASE_MEND}"

    def gateway(self) -> dict[str, Any]:
        """What the gateway says of itself: the active colour, and per colour how many servers are up."""
        answer = self.do(
            self.compose.gateway_status(),
            "the gateway does not say which colour is active",
            mend=" ".join((*self.compose.base, "up", "-d")),
        )
        return object_in(answer)

    def gateway_servers(self, colour: str) -> list[Server]:
        """The gateway's places for servers of a colour, those without a server included."""
        answer = self.do(self.compose.gateway_servers(colour), f"the gateway does not list the servers of {colour}")
        return [Server(**each) for each in object_in(answer)["servers"]]

    def release_of(self, container: Container) -> str:
        """The release that the API in one container says it is."""
        argv = commands.inside_container(container.id, ("python", "-c", commands.VERSION_PROBE))
        return str(object_in(self.do(argv, f"{container.service} does not answer /version")).get("release", ""))

    def release_served_by(self, colour: str) -> str:
        """The release that the API of a colour says it is."""
        answer = self.do(self.compose.version(colour), f"api-{colour} does not answer /version")
        return str(object_in(answer).get("release", ""))

    def running_jobs(self, colour: str, *, asked_of: str) -> int:
        """How many jobs the workers of a colour hold."""
        argv = self.compose.drained(colour, asked_of=asked_of)
        return int(object_in(self.do(argv, f"worker-{asked_of} does not say what {colour} still runs"))["running"])

    def point_to(self, colour: str) -> None:
        """Send the traffic to a colour and let its workers take the jobs; CommandFailed when either refuses."""
        self.do(self.compose.gateway_to(colour), f"the gateway does not switch to {colour}")
        self.do(self.compose.workers_to(colour), f"the workers of {colour} do not take over")

    def last_words(self, service: str) -> str:
        """The last thing a service logged, shortened; empty when it said nothing."""
        return self._last_said(self.compose.last_words(service))

    def last_words_of(self, container: Container) -> str:
        """The last thing one container logged, shortened; empty when it said nothing."""
        return self._last_said(commands.last_words_of(container.id))

    def _last_said(self, argv: Argv) -> str:
        lines = self.ask(argv).stdout.splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        try:
            said = json.loads(last)
        except ValueError:
            return last[:200]
        return str(said.get("message", last) if isinstance(said, dict) else last)[:200]


def _container(inspected: dict[str, Any]) -> Container:
    state = inspected["State"]
    networks = inspected.get("NetworkSettings", {}).get("Networks") or {}
    return Container(
        id=inspected["Id"],
        service=inspected["Config"]["Labels"].get("com.docker.compose.service", ""),
        image=inspected["Image"],
        running=bool(state["Running"]) and not state["Restarting"],
        health=(state.get("Health") or {}).get("Status", ""),
        restarts=int(inspected.get("RestartCount", 0)),
        check=_declared((inspected["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]),
        addresses=tuple(sorted(filter(None, (each["IPAddress"] for each in networks.values())))),
    )


def _declared(test: list[str]) -> Argv:
    """The command of a health check as the engine stores it."""
    kind, *words = test
    if kind == "CMD-SHELL":
        return ("/bin/sh", "-c", *words)
    return tuple(words) if kind == "CMD" else ()


def object_in(answer: Completed) -> dict[str, Any]:
    """The JSON object on the last line of an answer; StepFailed when there is none."""
    last = next((line for line in reversed(answer.stdout.splitlines()) if line.strip()), "")
    try:
        said = json.loads(last)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise StepFailed(f"`{' '.join(answer.argv)}` answered {last[:120]!r} instead of a JSON object")
    return said
