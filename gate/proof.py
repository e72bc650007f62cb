"""What proving found out: each defect, whether an expected check turned red, and which defects nobody caught."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from gate.model import Check, Outcome, Run, Sabotage


class Catch(StrEnum):
    """What became of one defect. Only CAUGHT is a proof. Unverified does not count as caught, but of a defect of the gate's own
    means: there it is the only right answer."""

    CAUGHT = "caught"
    MISSED = "missed"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Proof:
    """One defect put into the system: the checks that were to notice, and what each of them said."""

    sabotage: Sabotage
    catch: Catch
    outcomes: dict[str, str]
    reasons: dict[str, str]
    seconds: float

    @classmethod
    def of(cls, sabotage: Sabotage, run: Run, green: Container[str]) -> Proof:
        """Judge a finished run of the sabotaged system. Only checks that are `green` on the healthy one can catch."""
        outcomes = {check.id: check.outcome for check in run.checks}
        reasons = {check.id: check.reason for check in run.checks}
        telling = [check for check in sabotage.expects if check in outcomes and check in green]
        named = any(outcomes[check] is sabotage.due and sabotage.says in reasons[check] for check in telling)
        passed = any(outcomes[check] is Outcome.PASSED for check in telling)
        # A failure for another reason than the defect is no proof: the defect may never have been in the system.
        # Where the gate's own means are spoilt, none of its checks may be green for all that.
        blind = bool(sabotage.generator) and passed
        catch = Catch.CAUGHT if named and not blind else Catch.MISSED if passed else Catch.ERROR
        return cls(sabotage, catch, {k: v.value for k, v in outcomes.items()}, reasons, run.seconds)

    @classmethod
    def not_put_in(cls, sabotage: Sabotage, checks: Iterable[Check], why: str) -> Proof:
        """The defect never was in the system, so whatever its checks would have said proves nothing."""
        ids = [check.id for check in checks]
        return cls(sabotage, Catch.ERROR, dict.fromkeys(ids, Outcome.UNVERIFIED.value), dict.fromkeys(ids, why), 0.0)

    @property
    def whys(self) -> tuple[str, ...]:
        """Why it was not caught, as the checks that did not pass say it: the first line of each reason, once."""
        if self.catch is Catch.CAUGHT:
            return ()
        said = (why.strip() for check, why in self.reasons.items() if self.outcomes[check] != Outcome.PASSED)
        return tuple(dict.fromkeys(why.partition("\n")[0] for why in said if why))


@dataclass(frozen=True, slots=True)
class Proofs:
    """All defects of one proving, on a system whose checks were first seen green (`healthy`: the outcome of each)."""

    healthy: dict[str, str]
    proofs: tuple[Proof, ...]
    unbroken: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every defect was caught by an expected check that passes on the healthy system, and no check is left
        that no defect turns red."""
        caught = bool(self.proofs) and all(proof.catch is Catch.CAUGHT for proof in self.proofs)
        return caught and not self.false_alarms and not self.unbroken

    @property
    def false_alarms(self) -> tuple[str, ...]:
        """Checks that did not pass on the healthy system: their red proves nothing."""
        return tuple(check for check, outcome in self.healthy.items() if outcome != Outcome.PASSED)

    @property
    def score(self) -> str:
        """Caught / all."""
        return f"{sum(proof.catch is Catch.CAUGHT for proof in self.proofs)}/{len(self.proofs)}"

    def write(self, path: Path) -> None:
        """Keep the matrix as JSON."""
        path.write_text(json.dumps({"score": self.score, **asdict(self)}, indent=1) + "\n")


def applicable(
    sabotages: tuple[Sabotage, ...], checks: tuple[Check, ...]
) -> tuple[tuple[Sabotage, ...], tuple[str, ...]]:
    """The defects whose expected checks are among `checks`, and the checks that no defect turns red."""
    ids = {check.id for check in checks}
    chosen = tuple(sabotage for sabotage in sabotages if ids & set(sabotage.expects))
    covered = {expected for sabotage in chosen for expected in sabotage.expects}
    return chosen, tuple(sorted(ids - covered))
