"""How a change ended: the last line on stdout, and the exit status that agrees with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from procedures.commands import Argv

Action = Literal["deploy", "rollback", "configure", "restore"]
Result = Literal["deployed", "rolled-back", "configured", "restored", "unchanged", "planned", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One deployment, rollback, change of settings or restore: phases and `seconds` are durations in seconds."""

    action: Action
    release: str
    result: Result = "failed"
    previous: str = ""
    colour: str = ""
    reason: str = ""
    phases: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    plan: tuple[Argv, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """0: what was asked for holds. 1: it does not. 2: refused, nothing was changed."""
        if self.result == "refused":
            return 2
        done = {"deploy": "deployed", "rollback": "rolled-back", "configure": "configured", "restore": "restored"}
        wanted = {"unchanged", "planned", done[self.action]}
        return 0 if self.result in wanted else 1

    def values(self) -> dict[str, Any]:
        """Everything said about it, for JSON."""
        said: dict[str, Any] = {
            "action": self.action,
            "release": self.release,
            "previous": self.previous,
            "colour": self.colour,
            "result": self.result,
            "reason": self.reason,
            "phases": {name: round(seconds, 3) for name, seconds in self.phases.items()},
            "seconds": round(self.seconds, 3),
        }
        if self.result == "planned":
            said["plan"] = [list(argv) for argv in self.plan]
        return said | self.details

    def line(self) -> str:
        """One JSON object on one line."""
        return json.dumps(self.values())
