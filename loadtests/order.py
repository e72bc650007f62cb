"""What a load test is to do: the order that the gate wrote, or, by hand, the readiness.toml of the current folder.

READYGATE_LOAD names the order, a JSON file.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from loadtests.tokens import Tokens

DESCRIPTION = Path("readiness.toml")
TEXT = "A few plain sentences that give every stage of the work something to read, to cut into parts and to store. "


def _load() -> dict[str, Any]:
    named = os.environ.get("READYGATE_LOAD")
    if named:
        order: dict[str, Any] = json.loads(Path(named).read_text(encoding="utf-8"))
        return order
    if not DESCRIPTION.exists():
        raise SystemExit(
            f"set READYGATE_LOAD, or start in the folder of a {DESCRIPTION}: there is none in {Path.cwd()}"
        )
    return described(tomllib.loads(DESCRIPTION.read_text(encoding="utf-8")))


def described(system: dict[str, Any]) -> dict[str, Any]:
    """The order that a readiness.toml amounts to: no number of jobs, no result file. KeyError for one that lacks a key."""
    job, api, load = system["job"], system["api"], system.get("load", {})
    return {
        "host": api.get("server_name", ""),
        "ca_file": api.get("ca_file", ""),
        "text": TEXT,
        "tenants": [system.get("auth", {}).get("tenant", "")],
        "submit_method": job["submit_method"],
        "submit_path": job["submit_path"],
        "accepted": job["accepted"],
        "refused": load.get("refused", []),
        "body": job["body"],
        "headers": job.get("headers", {}),
        "id_pointer": job["id_pointer"],
        "status_path": job["status_path"],
        "state_pointer": job["state_pointer"],
        "pending": job["pending"],
        "running": job.get("running", []),
        "succeeded": job["succeeded"],
        "cancelled": job.get("cancelled", []),
        **{name: load[name] for name in ("list_path", "result_path", "cancel_method", "cancel_path") if name in load},
    }


ORDER = _load()
_TOKENS = Tokens()


def authorisation(tenant: str) -> dict[str, str]:
    """The header that makes a request this tenant's, none where there is no token."""
    token = _TOKENS.of(tenant)
    return {"Authorization": f"Bearer {token}"} if token else {}


def at(document: Any, pointer: str) -> Any:  # noqa: ANN401
    """The value at a JSON pointer; KeyError, IndexError, ValueError or TypeError when there is none."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def filled(value: Any, placeholders: dict[str, str]) -> Any:  # noqa: ANN401
    """A template with every `{name}` filled in, at any depth."""
    if isinstance(value, str):
        for name, text in placeholders.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, dict):
        return {key: filled(item, placeholders) for key, item in value.items()}
    return [filled(item, placeholders) for item in value] if isinstance(value, list) else value
