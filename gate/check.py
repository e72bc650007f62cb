"""@check: the one public decorator. It puts a Check on a pytest function and refuses incomplete metadata."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from gate.areas import AREAS
from gate.model import Check, Sabotage

Function = TypeVar("Function", bound=Callable[..., Any])

_ID = re.compile(r"(?P<area>[a-z]+)\.(?P<noun>[a-z0-9]+(?:-[a-z0-9]+)*)")


class Unverified(Exception):
    """The check could not find out: no witness, too few observations, a tool that did not look."""


class CheckError(ValueError):
    """A check's own metadata is wrong."""


def check(
    id: str,  # noqa: A002  (the word of the catalogue)
    *,
    title: str,
    why: str,
    fix: str,
    broken_by: Sequence[Sabotage],
    needs: Sequence[str] = (),
    standards: Sequence[str] = (),
    minimum: int = 1,
    required: bool = True,
    profiles: Sequence[str] = (),
) -> Callable[[Function], Function]:
    """Make a test function the check `id` (`area.noun-phrase`).

    `title` states the pass condition, `why` the incident it prevents, `fix` starts with a verb. `needs` are
    capabilities of the target (roles, `commands.deploy`, ...); with fewer than `minimum` observations it stays
    unverified; `broken_by` are the sabotages that must turn it red; `profiles` are the only lengths of run long enough for it.
    Raises CheckError on incomplete metadata.
    """
    problems = _problems(id, title=title, why=why, fix=fix, broken_by=broken_by, minimum=minimum)
    if problems:
        raise CheckError(f"check {id!r}: " + "; ".join(problems))
    metadata = Check(
        id=id,
        title=title,
        why=why,
        fix=fix,
        needs=tuple(needs),
        standards=tuple(standards),
        minimum=minimum,
        broken_by=tuple(_expecting(sabotage, id) for sabotage in broken_by),
        required=required,
        profiles=tuple(profiles),
    )

    def mark(function: Function) -> Function:
        marked: Function = pytest.mark.check(metadata)(function)
        return marked

    return mark


def _problems(
    check_id: str, *, title: str, why: str, fix: str, broken_by: Sequence[Sabotage], minimum: int
) -> list[str]:
    problems = []
    match = _ID.fullmatch(check_id)
    if not match:
        problems.append("its id must be `area.noun-phrase` in lower case")
    elif match["area"] not in AREAS:
        problems.append(f"its area must be one of {', '.join(AREAS)}")
    elif match["noun"].startswith(("no-", "check-", "test-")):
        problems.append("its id names the thing itself, without `no-`, `check-` or `test-`")
    sentences = {"title": title, "why": why, "fix": fix}
    problems += [f"it has no {name}" for name, text in sentences.items() if not text.strip()]
    if not broken_by:
        problems.append("it has no `broken_by`: a check that nothing turns red proves nothing")
    if minimum < 1:
        problems.append("its minimum of observations must be at least 1")
    return problems


def _expecting(sabotage: Sabotage, check_id: str) -> Sabotage:
    if sabotage.expects:
        return sabotage
    return replace(sabotage, expects=(check_id,))
