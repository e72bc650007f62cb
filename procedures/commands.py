"""Every command of the procedures as a value: a method returns argv and runs nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Argv = tuple[str, ...]

COMPOSE_FILE = "docker-compose.prod.yml"
COLOURS = ("blue", "green")
REPOSITORY = "/var/lib/pgbackrest"
VERSION_PROBE = (
    "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/version', timeout=5).read().decode())"
)


def other(colour: str) -> str:
    """The colour that `colour` is not."""
    return COLOURS[1 - COLOURS.index(colour)]


@dataclass(frozen=True, slots=True)
class Compose:
    """The commands of one instance, which the standard COMPOSE_* variables choose."""

    base: Argv

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> Compose:
        """The instance of `environ`: the production file unless COMPOSE_FILE names another."""
        chosen = () if environ.get("COMPOSE_FILE") else ("-f", COMPOSE_FILE)
        return cls(("docker", "compose", *chosen))

    def config(self) -> Argv:
        return (*self.base, "config", "--format", "json")

    def build(self, services: Sequence[str]) -> Argv:
        return (*self.base, "build", *services)

    def migrate(self) -> Argv:
        return (*self.base, "run", "--rm", "--no-deps", "-T", "migrate")

    def start(self, colour: str) -> Argv:
        """Anew: a container that a killed `up` left half made lacks a network, and `up` alone would keep it so."""
        return self._up(colour, "--force-recreate")

    def keep(self, colour: str) -> Argv:
        """Start what does not run, and leave alone what does, even where the compose file was edited since."""
        return self._up(colour, "--no-recreate")

    def stop(self, colour: str) -> Argv:
        return (*self.base, "stop", f"api-{colour}", f"worker-{colour}")

    def one_more(self, service: str, than: int) -> Argv:
        """One container beside the `than` that there are, which stay as they are."""
        scale = ("--no-recreate", "--scale", f"{service}={than + 1}")
        return (*self.base, "up", "-d", "--no-deps", "--no-build", *scale, service)

    def clear(self, colour: str) -> Argv:
        """Stop and remove whatever there is of a colour."""
        return (*self.base, "rm", "--stop", "--force", f"api-{colour}", f"worker-{colour}")

    def containers(self, colour: str) -> Argv:
        return (*self.base, "ps", "--all", "--quiet", f"api-{colour}", f"worker-{colour}")

    def containers_of(self, service: str) -> Argv:
        return (*self.base, "ps", "--all", "--quiet", service)

    def last_words(self, service: str) -> Argv:
        return (*self.base, "logs", "--no-log-prefix", "--no-color", "--tail", "3", service)

    def inside(self, service: str, *words: str) -> Argv:
        return (*self.base, "exec", "-T", service, *words)

    def gateway_status(self) -> Argv:
        return self.inside("gateway", "gateway-switch", "status")

    def gateway_to(self, colour: str) -> Argv:
        return self.inside("gateway", "gateway-switch", "to", colour)

    def gateway_back_to(self, colour: str) -> Argv:
        """Also when the gateway sees none of its servers up: there is nowhere better to go."""
        return (*self.gateway_to(colour), "--force")

    def gateway_certificate(self) -> Argv:
        """Takes the certificate and its key on standard input."""
        return self.inside("gateway", "gateway-certificate")

    def gateway_servers(self, colour: str) -> Argv:
        return self.inside("gateway", "gateway-switch", "servers", colour)

    def gateway_out(self, colour: str, *out: str) -> Argv:
        """No requests for these addresses, and for `free` places; for all other servers of the colour again."""
        return self.inside("gateway", "gateway-switch", "out", colour, *out)

    def version(self, colour: str) -> Argv:
        return self.inside(f"api-{colour}", "python", "-c", VERSION_PROBE)

    def script(self, service: str) -> Argv:
        """A Python script inside the service's container, which it reads from stdin."""
        return self.inside(service, "python", "-")

    def database_state(self) -> Argv:
        """Prints f when the database takes writes, t while it is in recovery; fails while it does not answer."""
        connection = "dbname=docjobs user=docjobs_superuser connect_timeout=5"
        return self.inside("database", "psql", "-XAtq", "-d", connection, "-c", "SELECT pg_is_in_recovery()")

    def sql(self) -> Argv:
        """Statements from standard input, as the superuser of the database; ends with the first that is refused."""
        connection = "dbname=docjobs user=docjobs_superuser connect_timeout=5"
        return self.inside("database", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", connection, "-f", "-")

    def once(self, service: str, *words: str) -> Argv:
        """A container of its own for one command, beside those of the service, or instead of them."""
        return (*self.base, "run", "--rm", "--no-deps", "-T", "--entrypoint", words[0], service, *words[1:])

    def restore(self, target: str = "", timeline: int = 0) -> Argv:
        """Into the data directory, up to a time on a timeline, or to the end of the newest one."""
        if not target:
            return self.once("database", "logship", "database-restore")
        run = (*self.base, "run", "--rm", "--no-deps", "-T", "--env", f"PGBACKREST_TARGET_TIMELINE={timeline}")
        return (*run, "--entrypoint", "logship", "database", "database-restore", target)

    def up(self, services: Sequence[str]) -> Argv:
        """Start these services alone."""
        return (*self.base, "up", "-d", "--no-deps", "--no-build", *services)

    def halt(self, services: Sequence[str]) -> Argv:
        return (*self.base, "stop", *services)

    def alive(self, services: Sequence[str]) -> Argv:
        """Ids of their containers that run, hang, or start again and again."""
        states = ("--status", "running", "--status", "restarting", "--status", "paused")
        return (*self.base, "ps", "--quiet", *states, *services)

    def logged(self, service: str, lines: int) -> Argv:
        return (*self.base, "logs", "--no-log-prefix", "--no-color", "--tail", str(lines), service)

    def canary(self, colour: str, timeout_s: float) -> Argv:
        return self._control(colour, "canary", "--timeout", f"{timeout_s:g}")

    def workers_to(self, colour: str) -> Argv:
        return self._control(colour, "activate", colour)

    def drained(self, colour: str, *, asked_of: str) -> Argv:
        return self._control(asked_of, "drained", colour)

    def on_repository(self, copy: str, *words: str) -> Argv:
        """A command in a container of its own, so that it works whatever else runs: on the instance's repository, or on a copy
        of it, which is a volume or a folder of this machine."""
        mount = ("-v", f"{copy}:{REPOSITORY}") if copy else ()
        run = (*self.base, "run", "--rm", "--no-deps", "-T", *mount, "--entrypoint", "sh", "backup")
        return (*run, "-c", 'pgbackrest-configure && exec "$@"', "on-repository", *words)

    def published(self) -> Argv:
        return (*self.base, "port", "gateway", "8443")

    def query(self, expression: str) -> Argv:
        return self.inside(
            "prometheus", "promtool", "query", "instant", "-o", "json", "http://localhost:9090", expression
        )

    def marker(self) -> Argv:
        return self.inside("node-exporter", "deployment-marker")

    def _up(self, colour: str, *more: str) -> Argv:
        return (*self.base, "up", "-d", "--no-deps", "--no-build", *more, f"api-{colour}", f"worker-{colour}")

    def _control(self, colour: str, *words: str) -> Argv:
        return self.inside(f"worker-{colour}", "python", "-m", "docjobs.control", *words)


def inspect_containers(ids: Sequence[str]) -> Argv:
    """The engine's view of containers."""
    return ("docker", "container", "inspect", *ids)


def inside_container(container: str, words: Sequence[str]) -> Argv:
    """A command inside one container, by its id."""
    return ("docker", "exec", container, *words)


def stop_container(container: str) -> Argv:
    """SIGTERM, and SIGKILL after the grace period that the container declares."""
    return ("docker", "stop", container)


def remove_container(container: str) -> Argv:
    return ("docker", "rm", "--force", container)


def last_words_of(container: str) -> Argv:
    return ("docker", "logs", "--tail", "3", container)


def inspect_images(references: Sequence[str]) -> Argv:
    """The engine's view of images; status 1 when one is absent, and the others all the same."""
    return ("docker", "image", "inspect", *references)
