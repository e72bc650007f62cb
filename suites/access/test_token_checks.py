import pytest

from fixtures.access.asking import Answer
from fixtures.access.exhibits import Exhibits
from fixtures.access.surface import Surface
from fixtures.access.tokens import forgeries, untrue_claims
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

REFUSED = frozenset({401, 403})


@check(
    "access.token-checks",
    title="Every operation refuses tokens that are forged, ended, not valid yet, endless or meant for somebody else",
    why="A token that is read but not checked lets anybody be whoever they write into it.",
    fix="Verify signature with one algorithm, issuer, audience, `nbf` and `exp`, and demand that each of them is there.",
    needs=("auth", "access.openapi", "access.sign", "api", "job"),
    standards=("C53", "ASVS 5.0 9.1.1", "ASVS 5.0 9.1.2", "ASVS 5.0 9.2.1", "API2:2023", "CWE-347"),
    minimum=40,
    broken_by=(
        Sabotage(
            id="signature-not-verified",
            title="An API that reads tokens without verifying their signature",
            replace=(
                {
                    "file": "{access.code}",
                    "pattern": r"options=\{",
                    "with": 'options={"verify_signature": False, ',
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_token_checks(
    surface: Surface, exhibits: Exhibits, target: Target, limits: dict[str, Limit], evidence: Evidence
) -> None:
    job = exhibits.done().id
    good = surface.taken_apart(surface.token())
    others = [role for role in surface.roles if role != target.auth.role]
    made = forgeries(good, _public_key(target), next(iter(others), ""), surface.table.other_tenant)
    untrue = {
        what: claims
        for what, claims in untrue_claims(limits["access.clock_skew_s"].value).items()
        if "iss" not in claims or "iss" in good.claims
    }
    made |= surface.all_signed(untrue)
    evidence.value("tokens that must be refused", sorted(made))
    # The same command's token, with nothing untrue in it: what is refused of the others is refused for their claims.
    witness = surface.signed({"aud": good.claims.get("aud")})

    guarded = surface.guarded
    calls = [
        surface.call(operation, value=job, token=token, what=what)
        for operation in guarded
        for what, token in made.items()
    ]
    # Behind the gateway any replica may have answered; each is asked itself with one operation that only reads.
    one = next((operation for operation in guarded if operation.reads and operation.takes_id), guarded[0])
    calls += [
        surface.call(one, value=job, token=token, what=what, where=where)
        for where in (surface.replicas() if target.access and target.access.port else ())
        for what, token in made.items()
    ]
    answers = surface.asker.ask_all(calls)
    evidence.observed(len(answers), "requests with tokens that must be refused")
    taken = [answer for answer in answers if answer.status not in REFUSED]
    assert not taken, f"taken: {_by_token(taken)}"
    opened = surface.asker.ask(surface.call(one, value=job, token=witness, what="a good token"))
    if not opened.succeeded:
        raise Unverified(f"a good token is refused as well: {opened}")


def _public_key(target: Target) -> bytes | None:
    name = target.access.public_key_file if target.access else ""
    if not name:
        return None
    file = target.folder / name
    if not file.is_file():
        raise Unverified(f"there is no file {name}, so no token can be made with the public key for a secret")
    return file.read_bytes()


def _by_token(taken: list[Answer]) -> str:
    """Each kind of token once, with the operations that took it."""
    kinds: dict[str, list[str]] = {}
    for answer in taken:
        kinds.setdefault(answer.call.what, []).append(f"{answer.call.operation} {answer.status}")
    return "; ".join(f"{what}: {', '.join(sorted(set(where))[:4])}" for what, where in kinds.items())
