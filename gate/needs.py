"""Whether a check can be run on a target at all, and what is said when not. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from gate import kernel
from gate.model import Check, Outcome

# What whoever starts a run may name or not: a first run has nothing to be held against, and is none the worse for it.
BY_CHOICE = {"load.baseline": "no earlier run was named to hold this one against: readygate run --baseline RUN"}


def out_of_reach(check: Check, offered: AbstractSet[str], absence: str | None) -> tuple[Outcome, str] | None:
    """Outcome and reason of a check whose needs are not all `offered`, or that its owner declared absent; None to run it.

    Whether a kernel lacks something is for the kernel to say: where it does not, a declared absence hides nothing.
    """
    unmet = [need for need in check.needs if need not in offered]
    if unmet and set(unmet) <= BY_CHOICE.keys():
        return Outcome.NOT_APPLICABLE, absence or "; ".join(BY_CHOICE[need] for need in unmet)
    if not unmet:
        if absence is None or kernel.NEEDS & set(check.needs):
            return None
        needs = ", ".join(check.needs) or "nothing"
        return Outcome.UNVERIFIED, f"declared absent ({absence!r}), but the target has all that it needs: {needs}"
    outcome, reason = Outcome.NOT_APPLICABLE, absence or ""
    if absence is None:
        outcome = Outcome.UNVERIFIED
        reason = f"readiness.toml does not describe {', '.join(unmet)}; describe it, or declare its absence"
    if kernel.NEEDS & set(unmet):
        reason = f"{reason} (this machine's kernel: {kernel.profiles()})"
    return outcome, reason
