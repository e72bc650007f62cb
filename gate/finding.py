"""A finding: what a scanner found, and its place in a file. One shape for all scanners, from which SARIF is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]  # SARIF's own words


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `rule` is the scanner's name and its rule, such as `bandit/B608`.

    `file` is relative to the system's folder; with `image` (a service) it is a path in that service's image instead. `line`
    counts from 1, 0 where there is none. `suppressed` is the reason in writing why it does not count, empty when it counts.
    """

    rule: str
    level: Level
    message: str
    file: str = ""
    line: int = 0
    image: str = ""
    suppressed: str = ""

    @property
    def place(self) -> str:
        """Where it is, for a sentence."""
        at = f"{self.file}:{self.line}" if self.line else self.file
        return f"{at} in the image of {self.image}" if self.image else at

    def __str__(self) -> str:
        return f"{self.place}: {self.message} ({self.rule})" if self.place else f"{self.message} ({self.rule})"
