"""How a procedure on backups ends: its last line on stdout is one JSON object, and its exit status agrees with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, Literal

from procedures import audit, environment, shell
from procedures.commands import Compose
from procedures.lock import now, operator
from procedures.procedure import in_one_line
from procedures.progress import Stopwatch, say
from procedures.record import state_folder
from procedures.refusal import Refused
from procedures.settings import Settings
from procedures.system import Run, System

Result = Literal["done", "damaged", "failed", "refused"]
_STATUS: dict[Result, int] = {"done": 0, "damaged": 1, "failed": 1, "refused": 2}
Values = dict[str, Any]


def carried_out(
    action: str, step: Callable[[System], tuple[Result, Values]], *, recorded: bool = True, run: Run = shell.run
) -> int:
    """Do `step` on the instance, print how it ended, and return the exit status: 0 done, 1 not done or damage found, 2 refused.

    Whatever it is, the last line says it; what changes something is also in the audit log (`recorded`).
    """
    watch = Stopwatch()
    try:
        system = System(run, Compose.of(), environment.locate(), Settings.of())
        result, values = step(system)
    except Exception as error:  # noqa: BLE001  (whatever it is, the last line says it)
        result = "refused" if isinstance(error, Refused) else "failed"
        values = {"reason": in_one_line(error)}
    line = {"action": action, "result": result, **values, "seconds": round(watch.seconds(), 1)}
    say(f"{result} in {line['seconds']} s" + (f": {values['reason']}" if values.get("reason") else ""))
    if recorded:
        try:
            audit.append(state_folder(), {"at": now(), "who": operator(), **line})
        except OSError as error:
            say(f"no line in the audit log: {error}")
            line["audit"] = f"missing: {error}"
    sys.stdout.write(json.dumps(line) + "\n")
    return _STATUS[result]
