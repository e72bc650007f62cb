"""`docker exec` in place of `docker compose exec`: the same answers, and never those of another container."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, TypedDict

from procedures.commands import Argv, Compose
from procedures.direct import Direct
from procedures.shell import Completed


class Given(TypedDict):
    """What a runner is always given."""

    env: dict[str, str]
    timeout_s: float


COMPOSE = Compose.of({})
ASKED = COMPOSE.gateway_status()
GIVEN: Given = {"env": {}, "timeout_s": 5}
LISTED = (*COMPOSE.base, "ps", "--quiet", "gateway")


def straight(container: str) -> Argv:
    return ("docker", "exec", "--interactive", container, "gateway-switch", "status")


class Engine:
    """What was run; `containers` of the gateway, of which those in `gone` are refused by the engine."""

    def __init__(self, containers: Sequence[str] = ("c1",)) -> None:
        self.containers = list(containers)
        self.gone: set[str] = set()
        self.argvs: list[Argv] = []
        self.given: list[dict[str, Any]] = []

    def __call__(self, argv: Argv, **given: Any) -> Completed:
        self.argvs.append(argv)
        self.given.append(given)
        if argv == LISTED:
            return Completed(argv, 0, "\n".join(self.containers), "", 0.0)
        if argv[:2] == ("docker", "exec") and argv[3] in self.gone:
            return Completed(argv, 1, "", f"Error: No such container: {argv[3]}", 0.0)
        return Completed(argv, 3, "out", "err", 0.0)


def test_a_service_is_asked_through_compose_once_and_straight_from_then_on() -> None:
    engine = Engine()
    direct = Direct(engine)
    for _ in range(3):
        direct(ASKED, env={"A": "1"}, timeout_s=5, input="text")
    assert engine.argvs == [ASKED, LISTED, straight("c1"), straight("c1")]
    assert engine.given[2] == {"env": {"A": "1"}, "timeout_s": 5, "input": "text", "source": None, "into": None}


def test_the_answer_names_the_command_that_was_asked_for() -> None:
    direct = Direct(Engine())
    direct(ASKED, **GIVEN)
    said = direct(ASKED, **GIVEN)
    assert (said.argv, said.status, said.stdout, said.stderr) == (ASKED, 3, "out", "err")


def test_a_container_that_is_gone_is_looked_for_anew() -> None:
    engine = Engine()
    direct = Direct(engine)
    direct(ASKED, **GIVEN)
    direct(ASKED, **GIVEN)
    engine.gone, engine.containers = {"c1"}, ["c2"]
    direct(ASKED, **GIVEN)
    direct(ASKED, **GIVEN)
    assert engine.argvs[2:] == [straight("c1"), straight("c1"), ASKED, LISTED, straight("c2")]


def test_after_a_command_that_may_replace_containers_nothing_is_taken_for_known() -> None:
    engine = Engine()
    direct = Direct(engine)
    direct(ASKED, **GIVEN)
    direct(ASKED, **GIVEN)
    direct(COMPOSE.start("green"), **GIVEN)
    engine.containers = ["c2"]
    direct(ASKED, **GIVEN)
    assert engine.argvs[-2:] == [LISTED, straight("c2")]


def test_of_several_containers_compose_chooses() -> None:
    engine = Engine(("c1", "c2"))
    direct = Direct(engine)
    for _ in range(3):
        direct(ASKED, **GIVEN)
    assert engine.argvs == [ASKED, LISTED, ASKED, ASKED]


def test_what_is_no_command_inside_a_service_or_has_a_stream_runs_as_it_is() -> None:
    engine = Engine()
    direct = Direct(engine)
    plain = (("docker", "image", "inspect", "x"), COMPOSE.config(), COMPOSE.migrate())
    for argv in plain:
        direct(argv, **GIVEN)
    for _ in range(2):
        direct(ASKED, **GIVEN, source=BytesIO())
    assert engine.argvs == [*plain, ASKED, ASKED]
