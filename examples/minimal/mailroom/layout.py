"""What a runner does with a letter: wrap it into pages and weigh it."""

from __future__ import annotations

import hashlib
import textwrap
from typing import Any

LINES_PER_PAGE = 40
GRAMS_PER_PAGE = 5


def lay_out(letter: str) -> dict[str, Any]:
    """Lines, pages, weight in grams and a digest; raises ValueError on a character that cannot be printed."""
    odd = next((char for char in letter if not char.isprintable() and not char.isspace()), None)
    if odd is not None:
        raise ValueError(f"the character {odd!r} cannot be printed")
    lines = [line for part in letter.splitlines() for line in textwrap.wrap(part, 72) or [""]]
    pages = -(-len(lines) // LINES_PER_PAGE)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return {"lines": len(lines), "pages": pages, "grams": pages * GRAMS_PER_PAGE, "sha256": digest}
