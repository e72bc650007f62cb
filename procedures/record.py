"""What every change leaves behind: a line in the audit log, and a marker in Prometheus."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from procedures import audit, marker
from procedures.lock import now, operator
from procedures.outcome import Outcome
from procedures.progress import say
from procedures.system import System


def state_folder() -> Path:
    """Where the lock and the audit log are: $DOCJOBS_STATE_DIR, else a folder for each instance."""
    given = os.environ.get("DOCJOBS_STATE_DIR")
    if given:
        return Path(given)
    return Path(".readygate", "deployments", os.environ.get("COMPOSE_PROJECT_NAME", ""))


def keep(outcome: Outcome, *, evidence: dict[str, Any], system: System | None) -> Outcome:
    """Mark the change in Prometheus when a `system` was changed, and append it to the audit log.

    What cannot be kept is said in the outcome; the change stands all the same.
    """
    if system is not None and outcome.result not in {"refused", "unchanged"}:
        sample = marker.text(action=outcome.action, release=outcome.release, result=outcome.result, at=time.time())
        answer = system.ask(system.compose.marker(), text=sample)
        if not answer.ok:
            problem = " ".join(answer.last_lines(1)) or f"exit status {answer.status}"
            say(f"no marker in Prometheus: {problem}")
            outcome = replace(outcome, details=outcome.details | {"marker": f"missing: {problem}"})
    try:
        audit.append(state_folder(), {"at": now(), "who": operator(), **evidence, **outcome.values()})
    except OSError as error:
        say(f"no line in the audit log: {error}")
        outcome = replace(outcome, details=outcome.details | {"audit": f"missing: {error}"})
    return outcome
