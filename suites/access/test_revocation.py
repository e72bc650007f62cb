import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from fixtures.access.acceptance import REFUSED, Acceptance, acceptance
from fixtures.access.asking import Call
from fixtures.access.exhibits import Exhibits
from fixtures.access.surface import Surface
from fixtures.wait import NotReached, throughout
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

_COMMAND_TIMEOUT_S = 30.0
_STAYS_S = 1.5
_TOKENS = 4  # one more where a slow answer leaves it open on which side of the limit the system was


@check(
    "access.revocation",
    title="A revoked token is refused by every replica of the API within a second, and no other token is",
    why="A token that was stolen is worth something until the last replica has heard of it.",
    fix="Look the token up where all replicas see the same, in the database or a store, at most a second old.",
    needs=("auth", "access.openapi", "access.port", "access.revoke", "api", "job"),
    standards=("C54", "ASVS 5.0 8.3.2", "ASVS 5.0 7.4.2", "CWE-613"),
    minimum=4,
    broken_by=(
        Sabotage(
            id="revocation-not-looked-at",
            title="An API that never asks which tokens are revoked",
            replace=({"file": "{access.code}", "pattern": r"if revoked\.covers\(.*\):", "with": "if False:"},),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_revocation(
    surface: Surface, exhibits: Exhibits, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    job, limit = exhibits.done().id, limits["access.revocation_s"]
    read = next((one for one in surface.guarded if one.reads and one.takes_id), surface.guarded[0])
    places = ("", *surface.replicas())
    least: list[float] = []
    for number in range(_TOKENS):
        stolen, other = surface.token(kind=f"stolen {number}"), surface.token(kind="not stolen")
        calls = [surface.call(read, value=job, token=stolen, where=place) for place in places]
        others = [replace(call, token=other) for call in calls]
        if shut := [each for each in surface.asker.ask_all([*calls, *others]) if not each.succeeded]:
            raise Unverified(f"refused before it was revoked: {shut[0]}")
        found = _let_in(surface, calls, _revoked(surface, target, stolen))
        least += [each.least for each in found]
        most = [each.most for each in found]
        if max(most) <= limit.value or max(least) > limit.value:
            break
    evidence.measure("a revoked token is still let in, at least", least, "s", limit)
    evidence.measure("until a revoked token is refused, at most", most, "s")
    _stays_refused(surface, calls, evidence)
    everywhere = [
        surface.call(operation, value=job, token=stolen, what="a revoked token", where=where)
        for operation in surface.guarded
        for where in places
    ]
    answers = surface.asker.ask_all(everywhere)
    evidence.observed(len(answers), "requests with the revoked token, of every operation")
    taken = [answer for answer in answers if answer.status not in REFUSED]
    assert not taken, f"a revoked token still opens {'; '.join(map(str, taken[:5]))}"
    lost = [answer for answer in surface.asker.ask_all(others) if not answer.succeeded]
    assert not lost, f"another token of the same subject is refused as well: {lost[0]}"
    if max(least) <= limit.value < max(most):
        raise Unverified(f"answers were too slow to tell when a token is refused, {_TOKENS} times: {max(most):.2g} s")


def _revoked(surface: Surface, target: Target, token: str) -> float:
    """Revoke a token; when that was done, on CLOCK_MONOTONIC."""
    said = surface.taken_apart(token)
    if not said.claims.get("jti"):
        raise Unverified("the token has no `jti`, so nothing names it to whoever revokes it")
    words = {
        "token_id": str(said.claims["jti"]),
        "tenant": target.auth.tenant,
        "subject": str(said.claims.get("sub", "")),
    }
    surface.stack.run_own(surface.table.revoke, timeout_s=_COMMAND_TIMEOUT_S, **words).check("revoking a token")
    return time.monotonic()


def _let_in(surface: Surface, calls: Sequence[Call], since: float) -> list[Acceptance]:
    """For how long each place still lets the token in; all are asked at once."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: acceptance(lambda: surface.asker.once(call), since), calls))


def _stays_refused(surface: Surface, calls: Sequence[Call], evidence: Evidence) -> None:
    """Where one process has heard of it and another has not, the answers differ from one request to the next."""

    def refused(call: Call) -> int:
        where = f"at {call.where}" if call.where else "where clients connect"
        try:
            return throughout(
                lambda: surface.asker.ask(call).status in REFUSED, _STAYS_S, f"refused {where}", every=0.1
            )
        except NotReached as error:
            raise AssertionError(f"a revoked token works again: {error}") from error

    with ThreadPoolExecutor(len(calls)) as pool:
        evidence.observed(sum(pool.map(refused, calls)), "requests with a token that was refused before")
