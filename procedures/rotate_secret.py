"""Rotates a secret under traffic: the database password of the services, or the key that signs tokens; recorded.

A key is rotated in two steps, because tokens of the old one live on: first both are accepted, and with --retire only the new.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from procedures import audit, environment, interruption, shell
from procedures.commands import Compose
from procedures.lock import held, now, operator
from procedures.procedure import PROBLEMS, in_one_line
from procedures.progress import say
from procedures.record import state_folder
from procedures.refusal import Refused
from procedures.rotation import NAMES, Rotation
from procedures.settings import Settings
from procedures.system import Run, System
from procedures.token import secrets_folder


def rotate(name: str, *, retire: bool = False, run: Run = shell.run) -> dict[str, Any]:
    """Rotate, or end what was rotated; what is said about it, which the audit log has as well. Never raises."""
    said: dict[str, Any] = {
        "action": "retire" if retire else "rotate",
        "secret": name,
        "result": "failed",
        "reason": "",
    }
    with interruption.as_failure():
        try:
            system = System(run, Compose.of(), environment.locate(), Settings.of())
            with held(state_folder() / "lock", f"{said['action']} {name}"):
                system.fit_for_change()
                rotation = Rotation(system, secrets_folder(), name)
                said["next"] = rotation.retire() if retire else rotation.begin()
                said["result"] = "retired" if retire else "rotated"
        except Refused as error:
            said |= {"result": "refused", "reason": str(error)}
        except PROBLEMS as error:
            said["reason"] = in_one_line(error)
        try:
            audit.append(state_folder(), {"at": now(), "who": operator(), **said})
        except OSError as error:
            say(f"no line in the audit log: {error}")
    return said


def main(arguments: list[str]) -> int:
    """Run the command line; exit status 0 done, 1 failed, 2 refused. The last line on stdout is the result, as JSON."""
    parser = argparse.ArgumentParser(prog="scripts/rotate-secret.sh", description=__doc__)
    parser.add_argument("secret", choices=NAMES)
    parser.add_argument("--retire", action="store_true", help="end the old one; a password is ended at once anyway")
    given = parser.parse_args(arguments)
    said = rotate(given.secret, retire=given.retire)
    say(f"{said['result']}: {said['secret']}" + (f": {said['reason']}" if said["reason"] else ""))
    sys.stdout.write(json.dumps(said) + "\n")
    return {"rotated": 0, "retired": 0, "refused": 2}.get(said["result"], 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
