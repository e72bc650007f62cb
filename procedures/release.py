"""What a release is called."""

from __future__ import annotations

import re

from procedures.refusal import Refused

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def checked(name: str) -> str:
    """The name, if it can be the tag of an image. Refused otherwise."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r} is no name of a release", "name one of reference/releases")
    return name
