import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fixtures.access.asking import Answer, Call
from fixtures.access.exhibits import Exhibits
from fixtures.access.surface import Surface
from fixtures.wait import NotReached, throughout, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

_COMMAND_TIMEOUT_S = 30.0
_GIVEN_UP_S = 10.0
_STAYS_S = 1.5
REFUSED = frozenset({401, 403})


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
    job, auth = exhibits.done().id, target.auth
    stolen, other = surface.token(kind="stolen"), surface.token(kind="not stolen")
    said = surface.taken_apart(stolen)
    if not said.claims.get("jti"):
        raise Unverified("the token has no `jti`, so nothing names it to whoever revokes it")
    read = next((one for one in surface.guarded if one.reads and one.takes_id), surface.guarded[0])
    places = ("", *surface.replicas())

    def ask(where: str, token: str) -> Answer:
        return surface.asker.ask(surface.call(read, value=job, token=token, where=where))

    shut = [answer for place in places for answer in (ask(place, stolen), ask(place, other)) if not answer.succeeded]
    if shut:
        raise Unverified(f"refused before it was revoked: {shut[0]}")
    words = {"token_id": str(said.claims["jti"]), "tenant": auth.tenant, "subject": str(said.claims.get("sub", ""))}
    surface.stack.run_own(surface.table.revoke, timeout_s=_COMMAND_TIMEOUT_S, **words).check("revoking a token")
    began = time.monotonic()

    def refused_after(where: str) -> float:
        until(lambda: ask(where, stolen).status in REFUSED, _GIVEN_UP_S, f"refused {_named(where)}", every=0.05)
        return time.monotonic() - began

    with ThreadPoolExecutor(len(places)) as pool:
        try:
            seconds = list(pool.map(refused_after, places))
        except NotReached as error:
            raise AssertionError(f"a revoked token still works: {error}") from error
        evidence.measure("from the revocation until it is refused", seconds, "s", limit=limits["access.revocation_s"])
        # Where one process has heard of it and another has not, the answers differ from one request to the next.
        try:
            asked = sum(
                pool.map(
                    lambda where: throughout(
                        lambda: ask(where, stolen).status in REFUSED, _STAYS_S, f"refused {_named(where)}", every=0.1
                    ),
                    places,
                )
            )
        except NotReached as error:
            raise AssertionError(f"a revoked token works again: {error}") from error
    everywhere: list[Call] = [
        surface.call(operation, value=job, token=stolen, what="a revoked token", where=where)
        for operation in surface.guarded
        for where in places
    ]
    answers = surface.asker.ask_all(everywhere)
    evidence.observed(asked + len(answers), "requests with the revoked token")
    taken = [answer for answer in answers if answer.status not in REFUSED]
    assert not taken, f"a revoked token still opens {'; '.join(map(str, taken[:5]))}"
    lost = [answer for place in places if not (answer := ask(place, other)).succeeded]
    assert not lost, f"another token of the same subject is refused as well: {lost[0]}"


def _named(where: str) -> str:
    return f"at {where}" if where else "where clients connect"
