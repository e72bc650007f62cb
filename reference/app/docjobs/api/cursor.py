"""Where a listing goes on: an opaque string to clients, the number of the last job to us."""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus

from docjobs.api.problems import Problem

_MOST = 2**63


def encode(number: int) -> str:
    """The cursor after the job with this number."""
    return base64.urlsafe_b64encode(f"n{number}".encode()).decode().rstrip("=")


def decode(cursor: str) -> int:
    """The number in a cursor; raises a 422 problem where it is none of ours."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        if not (text.startswith("n") and text[1:].isdecimal() and int(text[1:]) < _MOST):
            raise ValueError(text)
        return int(text[1:])
    except (binascii.Error, ValueError):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-cursor", "the cursor is not one of ours") from None
