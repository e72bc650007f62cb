"""Which checks a command line asks for."""

from __future__ import annotations

import argparse
import fnmatch
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from gate import catalogue, quick
from gate.areas import AREAS
from gate.errors import UsageError
from gate.model import Check


def looked_at(options: argparse.Namespace) -> tuple[tuple[Check, ...], str | None]:
    """The checks of a run: those asked for; of a quick one what it looks at of them, but whoever names a check gets it."""
    chosen, narrowed = selected(options)
    if options.profile != "quick" or options.check:
        return chosen, narrowed
    part, all_of_it = quick.part(chosen), len(catalogue.checks(options.profile))
    asked = "".join(f", {areas}" for areas in [", ".join(options.only)] if areas)
    return part, f"{len(part)} of {all_of_it} checks selected (profile quick{asked})"


def selected(options: argparse.Namespace) -> tuple[tuple[Check, ...], str | None]:
    """The checks asked for, and the sentence that says what was left out. Raises UsageError when there is none such."""
    checks = catalogue.checks(options.profile)
    areas = tuple(area for areas in options.only for area in areas.split(","))
    demand_known("area", areas, dict.fromkeys(AREAS), "readygate run --help")
    ids = [check.id for check in checks]
    wanted = [name for pattern in options.check for name in (fnmatch.filter(ids, pattern) or [pattern])]
    others = {check.id: check.profiles for check in catalogue.checks() if check.id not in ids}
    if elsewhere := [name for name in wanted if name in others]:
        only = others[elsewhere[0]][0]
        raise UsageError(f"{elsewhere[0]} is no check of profile {options.profile}", f"--profile {only}")
    demand_known("check", wanted, dict.fromkeys(ids))
    if not areas and not wanted:
        return checks, None
    chosen = tuple(check for check in checks if check.area in areas or check.id in wanted)
    if not chosen:
        raise UsageError(f"there is no check yet in {', '.join(areas)}", "readygate list")
    return chosen, f"{len(chosen)} of {len(checks)} checks selected ({', '.join((*areas, *options.check))})"


def demand_known(kind: str, wanted: Sequence[str], known: Mapping[str, object], mend: str = "readygate list") -> None:
    """Raise UsageError for the first of `wanted` that is not among `known`, with what may have been meant."""
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.4)
            raise UsageError(f"unknown {kind} {name!r}" + (f", did you mean {near[0]!r}?" if near else ""), mend)
