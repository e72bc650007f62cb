"""What was built: the release, the revision and the time, written into the image and read from there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("build.json")


@dataclass(frozen=True, slots=True)
class Build:
    """The identity of the running code."""

    release: str
    revision: str
    created: str


def read() -> Build:
    """The identity baked into the image; `development` when run from a checkout."""
    if not _FILE.is_file():
        return Build("development", "unknown", "")
    return Build(**json.loads(_FILE.read_text(encoding="utf-8")))


BUILD = read()
