"""Commands for a system that brings none of its own: each is an argv like any other, started in the target's folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from gate.schema import schema

# -P: a folder of the system that happens to be called as one of ours must not be imported in its place.
_PROGRAM = (sys.executable, "-P", "-m", "readygate.release")
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "build": ("build", "{release}"),
    "deploy": ("deploy", "{release}"),
    "deploy_dry_run": ("deploy", "--dry-run", "{release}"),
    "rollback": ("rollback",),
    "rollback_to": ("rollback", "{release}"),
    "audit_log": ("audit",),
}


def commands(readiness: str, profile: str | None) -> dict[str, tuple[str, ...]]:
    """The built-in [commands] by name. `readiness` is the file's name in the folder in which they are started."""
    known = schema().keys["commands"].keys
    which = ("--target", readiness, *(("--profile", profile) if profile else ()))
    return {name: (*_PROGRAM, *action, *which) for name, action in _ACTIONS.items() if name in known}
