"""A small valid readiness.toml, and copies of it with one thing changed."""

from __future__ import annotations

from pathlib import Path

from gate.target import Target, TargetError, load

READINESS = """\
schema = 1

[target]
name = "post"
title = "Post office"

[stack]
mode = "own"
compose = ["compose.yaml"]

[roles]
api = ["web"]
worker = ["clerk", "sorter"]
database = ["pg"]

[api]
service = "web"
port = 9000
scheme = "http"
live = "/alive"
ready = "/ready"

[job]
submit_method = "POST"
submit_path = "/tasks"
accepted = [201]
body = { name = "{key}" }
id_pointer = "/ref"
status_path = "/tasks/{id}"
state_pointer = "/status"
pending = ["NEW", "BUSY"]
succeeded = ["DONE"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "readiness.toml"
    path.write_text(text, encoding="utf-8")
    return path


def changed(*changes: tuple[str, str], more: str = "") -> str:
    """The small file with each (old, new) applied exactly once, and more text at its end."""
    text = READINESS
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text + more


def target(folder: Path, *changes: tuple[str, str], more: str = "", profile: str | None = None) -> Target:
    return load(written(folder, changed(*changes, more=more)), profile)


def said(folder: Path, text: str) -> list[str]:
    """What is wrong with a readiness.toml, one entry per problem, without the folder's name."""
    path = written(folder, text)
    try:
        load(path)
    except TargetError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []
