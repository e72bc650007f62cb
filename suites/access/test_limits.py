from collections.abc import Iterator

import httpx
import pytest

from fixtures.access.asking import Asker, Call
from fixtures.access.burst import Burst, burst, status
from fixtures.access.login import addresses
from fixtures.access.memory import forget_peaks, peak_mib
from fixtures.access.surface import Surface
from fixtures.clients.api import base_url, client_of
from fixtures.clients.docker import Container
from fixtures.stack import ComposeStack
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

_BLOCK = b" " * 65_536
_TOO_MANY = 429
_TOO_LARGE = frozenset({400, 411, 413})


@check(
    "access.limits",
    title="A burst of requests is refused and passes, and a body that is too large is refused before it is in memory",
    why="One client that sends too fast or too much must not take the API away from all others.",
    fix="Limit requests by client at the gateway, with Retry-After; refuse a body by its length, and count one without.",
    needs=("auth", "access.openapi", "api", "job"),
    standards=("C55", "ASVS 5.0 2.4.1", "ASVS 5.0 15.2.2", "API4:2023", "CWE-770"),
    minimum=5,
    broken_by=(
        Sabotage(
            id="body-without-bound",
            title="An API that reads a body to its end, however long it is",
            replace=(
                {"file": "{access.code}", "pattern": r"if read > self\._most_bytes:", "with": "if read < 0:"},
                {
                    "file": "{access.code}",
                    "pattern": r"if not length\.isdigit\(\) or int\(length\) > self\._most_bytes:",
                    "with": "if False:",
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_limits(
    surface: Surface, stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    wrong = _bodies(surface, stack, target, limits, evidence)
    wrong += _requests(surface, stack, target, limits, evidence)
    assert not wrong, "; ".join(wrong)


def _bodies(
    surface: Surface, stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> list[str]:
    """A sentence for each body that is too large and was taken, or cost its size in memory."""
    watched = [*stack.containers("gateway"), *stack.containers("api")]
    size, wrong = int(limits["access.body_mib"].value) * 2**20, []
    for where in ("", *(surface.replicas() if target.access and target.access.port else ())):
        for chunked in (False, True):
            name = f"{'a body without a length' if chunked else 'a body'} of {size >> 20} MiB at {where or 'the front'}"
            for container in watched:
                forget_peaks(container)
            before = {container.name: peak_mib(container) for container in watched}
            answered = _sent(surface, target, where, size, chunked=chunked)
            rise = _largest_rise(watched, before)
            evidence.observed(1, name)
            evidence.measure(f"memory for {name}", rise, "MiB", limit=limits["access.memory_mib"])
            # 0: the connection was ended while it was still sent, which is a refusal too.
            if answered not in {*_TOO_LARGE, 0}:
                wrong.append(f"{name} is answered with {answered}")
    return wrong


def _sent(surface: Surface, target: Target, where: str, size: int, *, chunked: bool) -> int:
    def content() -> Iterator[bytes]:
        for _ in range(size // len(_BLOCK)):
            yield _BLOCK

    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {surface.token()}"}
    if not chunked:
        headers["Content-Length"] = str(size // len(_BLOCK) * len(_BLOCK))
    client = httpx.Client(timeout=10, trust_env=False) if where else client_of(surface.stack)
    with client:
        try:
            url = (where or base_url(surface.stack)) + target.job.submit_path
            return client.request(target.job.submit_method, url, content=content(), headers=headers).status_code
        except httpx.HTTPError:
            return 0


def _largest_rise(watched: list[Container], before: dict[str, float]) -> float:
    return max((peak_mib(container) - before[container.name] for container in watched), default=0.0)


def _requests(
    surface: Surface, stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> list[str]:
    """A sentence where a burst is served whole, or whoever made it is never served again."""
    wanted = int(limits["access.burst_requests"].value)
    host, port = _aside(stack, target)
    try:
        made = burst(target, host, port, f"{target.api.live}-readiness", wanted)
    except OSError as error:
        raise Unverified(f"no burst could be sent to {host}: {error}") from error
    evidence.observed(made.answered, "requests at once")
    evidence.value("answers to a burst by status", {str(code): count for code, count in made.statuses.items()})
    evidence.measure("requests a second in the burst", made.answered / max(made.seconds, 0.001), "requests/s")
    if _TOO_MANY not in made.statuses:
        if made.answered < wanted // 2:
            raise Unverified(f"only {made.answered} of {wanted} requests were answered, too few to reach a limit")
        return [f"{made.answered} requests within {made.seconds:.1f} s are all served: {_statuses(made)}"]
    wrong = [] if made.retry_after else ["who is refused for a burst is not told when to come again (Retry-After)"]

    def served() -> bool:
        return status(target, host, port, target.api.live) not in {0, _TOO_MANY}

    try:
        seconds = until(served, limits["access.recovery_s"].value, "a client is served again after its burst", every=1)
    except NotReached as error:
        return [*wrong, str(error)]
    evidence.measure(
        "from the end of the burst until it is served again", seconds, "s", limit=limits["access.recovery_s"]
    )
    # Whoever shares the address of the published port must not find it shut.
    _reached_by_others(surface.asker, target)
    return wrong


def _aside(stack: ComposeStack, target: Target) -> tuple[str, int]:
    """The entry as seen from its last network, where this machine has another address than at the published port."""
    for container in stack.containers():
        if container.service == target.api.service and (found := addresses(container)):
            return found[-1], target.api.port
    raise Unverified("the entry has no address of its own at which a burst would disturb nobody")


def _reached_by_others(asker: Asker, target: Target) -> None:
    until(lambda: asker.once(Call("GET", target.api.live)).succeeded, 20, "others are served", every=1)


def _statuses(made: Burst) -> str:
    return ", ".join(f"{count} × {code}" for code, count in sorted(made.statuses.items()))
