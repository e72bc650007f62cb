"""`docker exec` in place of `docker compose exec` for whoever asks the same service again and again.

Compose reads and resolves its whole model before each command: 240 ms of CPU where the engine's own client needs 25 (measured
on two cores), and a deployment that asks twice a second takes them from the release that it waits for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import IO

from procedures.commands import Argv
from procedures.shell import Completed, run
from procedures.system import Run

_EXEC = ("exec", "-T")
_LIST_TIMEOUT_S = 60.0
_LOOKS = {"config", "exec", "logs", "port", "ps"}
_REFUSED = ("Error response from daemon:", "Error: No such container")


@dataclass(slots=True)
class Direct:
    """Runs every command as it is given, and one inside a service's container straight there from the second time on."""

    run: Run = run
    _asked: set[Argv] = field(default_factory=set)
    _container: dict[Argv, str] = field(default_factory=dict)

    def __call__(
        self,
        argv: Argv,
        *,
        env: Mapping[str, str],
        timeout_s: float,
        input: str | None = None,  # noqa: A002 - the name subprocess gives it
        source: IO[bytes] | None = None,
        into: IO[bytes] | None = None,
    ) -> Completed:
        """Run `argv` as procedures.shell.run does."""

        def run(words: Argv) -> Completed:
            return self.run(words, env=env, timeout_s=timeout_s, input=input, source=source, into=into)

        command = _compose_command(argv)
        if command and argv[command] not in _LOOKS:
            self._container.clear()  # it may replace any container
        if not command or argv[command : command + 2] != _EXEC or source or into:
            return run(argv)
        service, words = argv[: command + 3], argv[command + 3 :]
        if container := self._found(service, env):
            done = run(("docker", "exec", "--interactive", container, *words))
            if done.ok or not done.stderr.startswith(_REFUSED):
                return replace(done, argv=argv)
            # It is another by now, or does not run: compose knows, and says so in its words.
            self._container.pop(service)
        return run(argv)

    def _found(self, service: Argv, env: Mapping[str, str]) -> str:
        """The one container of `docker compose … exec -T SERVICE`; empty the first time, and for several or none."""
        if service not in self._asked:
            self._asked.add(service)
            return ""
        if service not in self._container:
            *base, _, _, name = service
            listed = self.run((*base, "ps", "--quiet", name), env=env, timeout_s=_LIST_TIMEOUT_S)
            ids = listed.stdout.split() if listed.ok else []
            self._container[service] = ids[0] if len(ids) == 1 else ""
        return self._container[service]


def _compose_command(argv: Argv) -> int:
    """Where the command of `docker compose [-f FILE]` stands; 0 where it is something else."""
    if argv[:2] != ("docker", "compose"):
        return 0
    return 4 if argv[2:3] == ("-f",) else 2
