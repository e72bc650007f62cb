"""The times and limits of a change, each with a default and an environment variable of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from procedures.refusal import Refused

_MOST = 86_400.0
BLUE_GREEN, ROLLING = "blue-green", "rolling"


@dataclass(frozen=True, slots=True)
class Settings:
    """Seconds unless the name says otherwise; DEPLOY_<NAME> overrides, for example DEPLOY_BAKE_S=30.

    The rehearsal sends `rehearsal_reads` reads to the new release and as many to the live one by turns (0: no rehearsal). The
    machine is the same for both, so the ratio of their medians may be tight; the floor, a difference in milliseconds, keeps
    two quick releases apart from noise.

    In the bake, latency is bad beyond the old release's times the ratio, but never below the floor: the deployment itself,
    and whatever else the machine does, slow a good release down for seconds. A quiet machine allows tighter ones. A bake
    needs `minimum_requests` answers as evidence; `bake_s` 0 is the way to do without one.
    """

    ready_timeout_s: float = 60.0
    canary_timeout_s: float = 30.0
    rehearsal_reads: float = 150.0
    rehearsal_ratio: float = 4.0
    rehearsal_floor_ms: float = 10.0
    drain_timeout_s: float = 60.0
    migrate_timeout_s: float = 300.0
    bake_s: float = 10.0
    bake_reads_per_s: float = 10.0
    minimum_requests: float = 30.0
    error_share: float = 0.01
    median_ratio: float = 5.0
    median_floor_ms: float = 800.0
    p95_ratio: float = 5.0
    p95_floor_ms: float = 2000.0
    poll_s: float = 0.5
    strategy: str = BLUE_GREEN

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """The defaults with what `environ` overrides. Refused when a value is not a number from 0 to 86400, or no strategy."""
        given: dict[str, Any] = {}
        for field in fields(cls):
            name = f"DEPLOY_{field.name.upper()}"
            if environ.get(name):
                read = _strategy if field.name == "strategy" else _number
                given[field.name] = read(name, environ[name])
        return cls(**given)


def _strategy(name: str, text: str) -> str:
    if text not in {BLUE_GREEN, ROLLING}:
        raise Refused(f"{name} is {text!r}, neither {BLUE_GREEN} nor {ROLLING}", f"unset {name}, or choose one of them")
    return text


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _MOST:
        raise Refused(f"{name} is {text!r}, not a number from 0 to {_MOST:g}", f"unset {name}, or give it a number")
    return value
